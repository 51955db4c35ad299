import { type EmulatorContext } from '../context';
import { type Identity } from '../state/identities';
import { type ApiVersion, hasCustomId } from './apiVersion';
import { goneIdentity, invalid } from './errors';

const maxLength = 256;

/** The caller's own id for an identity. Stable versions ignore it like any unknown field. */
export function customIdOf(body: Record<string, unknown>, version: ApiVersion): string | undefined {
  const { customId } = body;
  if (!hasCustomId(version) || customId === undefined || customId === null) return undefined;
  if (typeof customId === 'string' && customId.length > 0 && customId.length <= maxLength) return customId;
  throw invalid('CustomId', `CustomId is invalid. Its length must be within the [1, ${maxLength}] interval.`);
}

/** The existing identity with the customId; otherwise a new one, depending on the switches. */
export function findOrCreate(
  context: EmulatorContext,
  customId: string | undefined,
): { identity: Identity; status: number } {
  const { directory, switches, clock } = context;
  const { identities } = directory;
  if (customId === undefined) return { identity: identities.create(clock()), status: 201 };
  const knownId = identities.idOfCustomId(customId);
  const existing = knownId === undefined ? undefined : identities.find(knownId);
  if (existing) return { identity: existing, status: switches.existingCustomIdStatus };
  if (knownId !== undefined && switches.deletedCustomId === 'gone') throw goneIdentity(context);
  const id = switches.deletedCustomId === 'old_identity' ? knownId : undefined;
  return { identity: identities.create(clock(), { customId, id }), status: 201 };
}
