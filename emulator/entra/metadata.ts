import { randomUUID } from 'node:crypto';
import { type Call, json, type Reply } from '../http/exchange';
import { tenantId } from '../seed';
import { v1Issuer } from '../tokens/claims';
import { type EmulatorContext } from '../context';
import { sharedTenant } from './registrations';

export function cacheable(body: unknown): Reply {
  return json(200, body, { 'cache-control': 'max-age=86400, private', 'x-ms-request-id': randomUUID() });
}

/** The discovery document of version 1 or 2, depending on the path. */
export function discovery(context: EmulatorContext, call: Call): Reply {
  const origin = context.names.authority(call);
  const tenant = `${origin}/${sharedTenant(call.params.tenant) ?? tenantId}`;
  const graph = context.names.graph(call);
  const v2 = call.path.includes('/v2.0/');
  const keysUrl = `${tenant}/discovery/${v2 ? 'v2.0/' : ''}keys`;
  // An application may have signing keys of its own (here, none has), which it requests by its id.
  const appId = call.query.get('appid');
  const { hostname } = new URL(origin);
  const { host } = new URL(graph);
  return cacheable({
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: appId ? `${keysUrl}?appid=${encodeURIComponent(appId)}` : keysUrl,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: issuer(context, call),
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${graph}/oidc/userinfo`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${tenant}/oauth2/v2.0/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${tenant}/oauth2/v2.0/logout`,
    claims_supported: [
      ...['sub', 'iss', 'cloud_instance_name', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'nonce'],
      ...['preferred_username', 'name', 'tid', 'ver', 'at_hash', 'c_hash', 'email'],
    ],
    tenant_region_scope: 'WW',
    cloud_instance_name: hostname.replace(/^login\./, ''),
    cloud_graph_host_name: host,
    msgraph_host: host,
    rbac_url: `${origin}/rbac`,
  });
}

export function keys(context: EmulatorContext, call: Call): Reply {
  const v2 = call.path.includes('/v2.0/');
  const published = context.keys.published().map((key) => ({
    kty: 'RSA',
    use: 'sig',
    kid: key.kid,
    x5t: key.kid,
    ...key.jwk(),
    x5c: [key.certificate],
    ...(v2 ? { issuer: issuer(context, call) } : {}),
  }));
  return cacheable({ keys: published });
}

/** Under a name that all tenants share, the client inserts the tenant of the token (`tid`). */
function issuer(context: EmulatorContext, call: Call): string {
  const v2 = call.path.includes('/v2.0/');
  const ofTenant = v2 ? `${context.names.issuerOrigin(call)}/${tenantId}/v2.0` : v1Issuer;
  return sharedTenant(call.params.tenant) ? ofTenant.replace(tenantId, '{tenantid}') : ofTenant;
}
