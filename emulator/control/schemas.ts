import { z } from 'zod';
import { type Fault } from '../http/faults';
import { allDefects } from '../tokens/defects';
import { type TokenOptions } from '../tokens/tokenFactory';

export const tokenOptions = z
  .strictObject({
    user: z.string(),
    version: z.union([z.literal(1), z.literal(2)]),
    scope: z.string().nullable(),
    lifetimeInSeconds: z.int(),
    client: z.string(),
    publicName: z.boolean(),
    claims: z.record(z.string(), z.unknown()).transform(removeNulls),
    header: z.record(z.string(), z.unknown()).transform(removeNulls),
    defect: z.enum(allDefects),
  })
  .partial()
  .default({})
  .transform((options) => removeUndefined(options) as TokenOptions);

export const newUser = z
  .strictObject({ name: z.string().min(1).optional(), teamsLicence: z.boolean().optional() })
  .default({});
export const delay = z.strictObject({ operation: z.string(), milliseconds: z.number().nonnegative() });
export const rotation = z.strictObject({ keepOld: z.boolean().default(false) }).default({ keepOld: false });
export const mapping = z.strictObject({
  userObjectId: z.string(),
  extension: z.record(z.string(), z.unknown()),
});
export const removal = z.strictObject({ userObjectId: z.string(), extensionName: z.string() });

export const requestFilter = z
  .strictObject({ clientRequestId: z.string(), since: z.coerce.number().nonnegative() })
  .partial();

const anyFault = {
  operation: z.string(),
  times: z.union([z.int().positive(), z.literal('always').transform(() => Infinity)]).optional(),
  after: z.int().nonnegative().optional(),
};
export const faultSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...anyFault,
      kind: z.literal('status'),
      status: z.int().min(200).max(599),
      headers: z.record(z.string(), z.string()).optional(),
      body: z.unknown().optional(),
      effectDone: z.boolean().optional(),
    }),
    z.strictObject({ ...anyFault, kind: z.literal('hang'), effectDone: z.boolean().optional() }),
    z.strictObject({ ...anyFault, kind: z.literal('malformed'), body: z.string().optional() }),
    z.strictObject({ ...anyFault, kind: z.literal('notHttp'), bytes: z.string().optional() }),
    z.strictObject({ ...anyFault, kind: z.enum(['drop', 'garbage', 'cut', 'replyLost']) }),
  ])
  .transform((fault) => removeUndefined(fault) as unknown as Fault);

const limit = z
  .strictObject({ count: z.int().nonnegative(), perSeconds: z.int().positive(), retryAfter: z.boolean() })
  .nullable()
  .transform((value) => value ?? undefined);
const response = z.strictObject({ status: z.int().min(400).max(599), code: z.string(), message: z.string() });
const objectIds = z.array(z.string()).transform((ids) => new Set(ids));

export const switchesSchema = z
  .strictObject({
    duplicateExtensionStatus: z.union([z.literal(400), z.literal(409)]),
    deletedIdentity: response,
    deleteOfDeletedIdentityStatus: z.union([z.literal(204), z.literal(404)]),
    existingCustomIdStatus: z.union([z.literal(200), z.literal(201)]),
    deletedCustomId: z.enum(['new_identity', 'old_identity', 'gone']),
    communicationRoleHolders: objectIds,
    accessKeys: z.array(z.base64()),
    accessKeysDisabled: z.boolean(),
    managedIdentityTokenLifetimeInSeconds: z.int().positive(),
    graphApplicationPermissions: z.record(z.string(), z.array(z.string())),
    apiApplicationRoles: z.record(z.string(), z.array(z.string())),
    unlicensedTeamsUser: response,
    replicaLagInMs: z.int().nonnegative(),
    onlyIdInExtensions: z.boolean(),
    patchAnswersBody: z.boolean(),
    createLimit: limit,
    issueLimit: limit,
    exchangeLimit: limit,
    graphLimit: limit,
    requireMfaFor: objectIds,
    mfaError: z.union([z.literal(50076), z.literal(50079)]),
    consentRequiredFor: objectIds,
    graphRejectsWithClaims: objectIds,
    teamsLicenceWithdrawnFrom: objectIds,
    refuseReplayedAssertions: z.boolean(),
    accessTokenVersion: z.union([z.literal(1), z.literal(2)]),
    clockOffsetInMs: z.int(),
    cheapSignatures: z.boolean(),
  })
  .partial();

function removeNulls(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? undefined]));
}

function removeUndefined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
