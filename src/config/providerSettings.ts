import { z } from 'zod';
import { guid, httpsOrigin, list } from './formats';
import { asymmetricAlgorithms, issuerUrl, providerNames } from './identityProviders';
import { setting } from './setting';

/** Who signs users in, and the settings of the providers other than Microsoft Entra ID. */
export const identityProvider = setting({
  schema: providerNames,
  defaultText: 'entra',
  description: 'who signs the users in',
  source: 'your choice',
  format:
    'one or more of entra, external_id, b2c and oidc, separated by commas; several of a kind with names, such as entra,entra:partner',
});

export const externalIdSettings = {
  EXTERNAL_ID_TENANT_ID: setting({
    schema: guid,
    description: 'the external tenant whose users are served',
    source: 'Microsoft Entra admin center of the external tenant > Tenant overview > Tenant ID',
    format: 'a GUID',
  }),
  EXTERNAL_ID_TENANT_NAME: setting({
    schema: z.string().regex(/^[a-z0-9-]{1,63}$/i),
    description: 'the name of the external tenant, which is part of its sign-in host <name>.ciamlogin.com',
    source:
      'Microsoft Entra admin center of the external tenant > Tenant overview > Primary domain, before .onmicrosoft.com',
    format: 'a name without dots',
  }),
  EXTERNAL_ID_CLIENT_ID: setting({
    schema: guid,
    description: 'the registration of this API in the external tenant',
    source:
      'Microsoft Entra admin center of the external tenant > App registrations > Application (client) ID',
    format: 'a GUID',
  }),
  EXTERNAL_ID_AUTHORITY_HOST: setting({
    schema: httpsOrigin.optional(),
    description: 'the sign-in host, if it is not <name>.ciamlogin.com',
    source: 'leave it out, unless the tenant has a custom domain or you use the emulator',
    format: 'an https address without a path',
  }),
};

export const b2cSettings = {
  B2C_TENANT_ID: setting({
    schema: guid,
    description: 'the Azure AD B2C tenant whose users are served',
    source: 'Azure portal, directory of the B2C tenant > Microsoft Entra ID > Overview > Tenant ID',
    format: 'a GUID',
  }),
  B2C_TENANT_NAME: setting({
    schema: z.string().regex(/^[a-z0-9-]{1,63}$/i),
    description: 'the name of the B2C tenant, as in <name>.onmicrosoft.com',
    source: 'Azure portal, directory of the B2C tenant > Azure AD B2C > Overview > Domain name',
    format: 'a name without dots',
  }),
  B2C_CLIENT_ID: setting({
    schema: guid,
    description: 'the registration of this API in the B2C tenant',
    source: 'Azure portal > Azure AD B2C > App registrations > Application (client) ID',
    format: 'a GUID',
  }),
  B2C_POLICIES: setting({
    schema: list.pipe(z.array(z.string().regex(/^B2C_1A?_[\w.-]{1,100}$/i)).min(1)),
    description: 'the user flows and custom policies whose tokens are accepted',
    source: 'Azure portal > Azure AD B2C > User flows, or Identity Experience Framework',
    format: 'a comma-separated list of names such as B2C_1_signupsignin',
  }),
  B2C_AUTHORITY_HOST: setting({
    schema: httpsOrigin.optional(),
    description: 'the sign-in host, if it is not <name>.b2clogin.com',
    source: 'leave it out, unless the tenant has a custom domain or you use the emulator',
    format: 'an https address without a path',
  }),
};

export const oidcSettings = {
  OIDC_ISSUER: setting({
    schema: issuerUrl,
    description: 'the issuer of the access tokens, exactly as in their claim iss',
    source: 'issuer in the document at <issuer>/.well-known/openid-configuration',
    format: 'an https address; a slash at its end counts',
  }),
  OIDC_AUDIENCE: setting({
    schema: z.string().min(1),
    description: 'the audience (aud) of access tokens for this API',
    source: "your provider's registration of this API: its identifier, audience or resource",
    format: 'text, usually a URI',
  }),
  OIDC_REQUIRED_SCOPE: setting({
    schema: z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/),
    defaultText: 'access_as_user',
    description: 'the scope that access tokens must have',
    source: "your provider's registration of this API: its scopes or permissions",
    format: 'one scope, without spaces',
  }),
  OIDC_USER_CLAIM: setting({
    schema: z.string().min(1).max(100),
    defaultText: 'sub',
    description: 'the claim that identifies a user; it must be unique at the issuer and never change',
    source: 'leave it out; never one that can be reassigned, such as an email address',
    format: 'the name of a claim',
  }),
  OIDC_ALGORITHMS: setting({
    schema: list.pipe(z.array(z.enum(asymmetricAlgorithms)).min(1)),
    defaultText: 'RS256,PS256,ES256',
    description: 'the signature algorithms that are accepted',
    source: 'leave it out, unless your provider signs access tokens with another',
    format: `a comma-separated list of ${asymmetricAlgorithms.join(', ')}`,
  }),
  OIDC_ALLOWED_CLIENT_IDS: setting({
    schema: list,
    defaultText: '',
    description:
      'the client applications that may call with tokens of this provider; empty: any whose token has the scope',
    source: "your provider's registrations of the clients: their client IDs",
    format: 'a comma-separated list',
  }),
};
