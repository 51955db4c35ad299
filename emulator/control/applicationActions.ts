import { z } from 'zod';
import { type Certificate } from '../state/certificate';
import { type Applications } from '../state/applications';
import { type Action } from './action';

const application = z.string();
const resource = z.enum(['api', 'graph', 'teams']);

const secret = z.strictObject({ application, secret: z.string().min(1).optional() });
const newSecret = secret.extend({ expires: z.iso.datetime().optional() });
const certificate = z.strictObject({ application, certificate: z.string() });
const thumbprint = z.strictObject({ application, thumbprint: z.string() });
const federated = z.strictObject({
  application,
  issuer: z.string(),
  subject: z.string(),
  audience: z.string().optional(),
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  jwksUrl: z.url().optional(),
});
const federatedId = z.strictObject({ application, id: z.string() });
const consent = z.strictObject({
  application,
  resource,
  permissions: z.array(z.string()),
  userObjectId: z.string().optional(),
});
const withdrawal = z.strictObject({ application, resource, permissions: z.array(z.string()).optional() });

/** Operations that change the registrations: credentials, as in a rotation, and consents. */
export function applicationActions(applications: Applications): Action[] {
  const action = <T>(
    call: `${Action['method']} ${string}`,
    does: string,
    schema: z.ZodType<T>,
    run: (body: T) => unknown,
  ): Action => {
    const [method, name = ''] = call.split(' ') as [Action['method'], string?];
    return { method, name, does, run: (body) => run(schema.parse(body)) };
  };
  return [
    action(
      'GET applications',
      'the credentials and consents of AuthServer and AuthClient',
      z.undefined(),
      () => applications.describe(),
    ),
    action(
      'POST secrets',
      'adds a client secret: {application, secret?, expires?}; application: AuthServer, AuthClient or a client id',
      newSecret,
      ({ application: to, secret: value, expires }) => ({
        secret: applications.addSecret(to, value, expires === undefined ? undefined : new Date(expires)),
      }),
    ),
    action('DELETE secrets', 'withdraws a client secret, or all: {application, secret?}', secret, (body) =>
      applications.withdrawSecret(body.application, body.secret),
    ),
    action(
      'POST certificates',
      'registers a certificate for client assertions: {application, certificate: PEM, or a thumbprint in hex}',
      certificate,
      (body) => shown(applications.addCertificate(body.application, body.certificate)),
    ),
    action('DELETE certificates', 'removes one: {application, thumbprint}', thumbprint, (body) =>
      applications.removeCertificate(body.application, body.thumbprint),
    ),
    action(
      'POST federated-credentials',
      'registers a token of another issuer as a credential: {application, issuer, subject, audience?, jwks? or jwksUrl?}',
      federated,
      ({ application: to, ...credential }) =>
        applications.addFederatedCredential(to, withoutUndefined(credential)),
    ),
    action('DELETE federated-credentials', 'removes one: {application, id}', federatedId, (body) =>
      applications.removeFederatedCredential(body.application, body.id),
    ),
    action(
      'POST consents',
      'grants permissions, for the tenant or for one user: {application, resource: api | graph | teams, permissions, ' +
        'userObjectId?}',
      consent,
      (body) =>
        applications.grantConsent(body.application, body.resource, body.permissions, body.userObjectId),
    ),
    action(
      'DELETE consents',
      'withdraws permissions, or all on the resource: {application, resource, permissions?}',
      withdrawal,
      (body) => applications.withdrawConsent(body.application, body.resource, body.permissions),
    ),
  ];
}

function shown({ sha1, sha256 }: Certificate): { sha1?: string | undefined; sha256?: string | undefined } {
  return { sha1, sha256 };
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
