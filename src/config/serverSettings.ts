import { z } from 'zod';
import { guid, isAllowedOrigin, list, wholeNumber } from './formats';
import { setting } from './setting';

const count = (defaultText: string, description: string) =>
  setting({
    schema: wholeNumber(1, 10_000_000),
    defaultText,
    description,
    source: 'your choice',
    format: 'a whole number from 1',
  });

/** Who may call, how much, and what the server keeps in memory, serves and logs. */
export const serverSettings = {
  ALLOWED_CLIENT_IDS: setting({
    schema: list.pipe(z.array(guid)),
    defaultText: '',
    description:
      'the client applications that may call this server; empty: any of the tenant whose token has the scope',
    source: 'Microsoft Entra admin center > App registrations > your clients > Application (client) ID',
    format: 'a comma-separated list of GUIDs',
  }),
  CORS_ALLOWED_ORIGINS: setting({
    schema: list.pipe(z.array(z.string().refine(isAllowedOrigin))),
    defaultText: '',
    description: 'the single-page apps that may call this server from a browser; empty: none',
    source:
      'the address bar of your app, without the path; * for any and loopback for any on this machine, only outside production',
    format: 'a comma-separated list of origins such as https://app.contoso.com, without a slash at the end',
  }),
  RATE_LIMIT_USER: setting({
    schema: wholeNumber(0, 1_000_000),
    defaultText: '120',
    description: 'how many requests a minute one user may make; 0: no limit',
    source: 'your choice',
    format: 'a whole number',
  }),
  RATE_LIMIT_REJECTED: setting({
    schema: wholeNumber(0, 1_000_000),
    defaultText: '600',
    description:
      'how many requests a minute from one address may be rejected before they get 429; 0: no limit',
    source: 'your choice',
    format: 'a whole number',
  }),
  OVERLOAD_WAIT_MS: setting({
    schema: wholeNumber(0, 10_000),
    defaultText: '4000',
    description:
      'while the server is saturated, requests that it would complete later than this are rejected with 503; 0: none',
    source: 'your choice',
    format: 'a number of milliseconds from 0 to 10000',
  }),
  MAX_REQUESTS_IN_FLIGHT: setting({
    schema: wholeNumber(0, 1_000_000),
    defaultText: '2000',
    description: 'how many requests may wait for their response; more are rejected with 503; 0: no limit',
    source: 'your choice',
    format: 'a whole number',
  }),
  TRUST_PROXY_HOPS: setting({
    schema: wholeNumber(0, 10).optional(),
    description: "how many proxies are in front of the server, so that it knows the caller's address",
    source: 'leave it out: 1 on Azure App Service, else 0',
    format: 'a number from 0 to 10',
  }),
  TOKEN_REUSE_MINUTES: setting({
    schema: wholeNumber(0, 720),
    defaultText: '15',
    description: 'how long an issued token may be returned again to the same user; 0: never',
    source: 'your choice',
    format: 'a number of minutes from 0 to 720',
  }),
  TOKEN_REUSE_CHECK_SECONDS: setting({
    schema: wholeNumber(0, 43_200),
    defaultText: '60',
    description:
      'with IDENTITY_STORE=table or acs: how long a token is handed out again before it is checked that no other instance has deleted its identity; 0: no check',
    source: 'your choice',
    format: 'a number of seconds from 0 to 43200',
  }),
  TOKEN_CACHE_SIZE: count('10000', 'for how many users the issued token is kept in memory for reuse'),
  IDENTITY_CACHE_SIZE: count('50000', 'for how many users the identity mapping is kept in memory'),
  IDENTITY_CACHE_MINUTES: setting({
    schema: wholeNumber(0, 1_440),
    defaultText: '60',
    description: 'how long an identity mapping is kept in memory; 0: never',
    source: 'your choice',
    format: 'a number of minutes from 0 to 1440',
  }),
  OBO_TOKEN_CACHE_SIZE: count('2000', 'how many On-Behalf-Of tokens for Microsoft Graph are kept in memory'),
  BEARER_TOKEN_CACHE_SIZE: count('10000', 'how many verified access tokens are kept in memory (as hashes)'),
  API_DOCS: setting({
    schema: z.enum(['on', 'off']).optional(),
    description: 'whether the description of the API is served, at /docs and /openapi.json',
    source: 'your choice; leave it out for on, and off with NODE_ENV=production',
    format: 'on or off',
  }),
  API_DOCS_CLIENT_ID: setting({
    schema: guid.optional(),
    description: 'the single-page app that signs users in on the page /docs, filled in there',
    source:
      'Microsoft Entra admin center > App registrations > your client > Application (client) ID; or none',
    format: 'a GUID',
  }),
  ERROR_DOCUMENTATION_URL: setting({
    schema: z.url({ protocol: /^https?$/ }).optional(),
    description: 'the page that the errors of this server link to; # and the error code are appended',
    source:
      'where you publish docs/errors.md; leave it out for /docs/errors of this server, while it serves /docs',
    format: 'an http or https address',
  }),
  FORWARD_REQUEST_ID: setting({
    schema: z.enum(['on', 'off']),
    defaultText: 'off',
    description:
      'whether calls to Entra ID, Graph, Communication Services and the table carry the request id of their caller',
    source: 'your choice; on lets you find a request in the logs of these services',
    format: 'on or off',
  }),
  LOG_LEVEL: setting({
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    defaultText: 'info',
    description: 'how much is logged',
    source: 'your choice',
    format: 'fatal, error, warn, info, debug, trace or silent',
  }),
};
