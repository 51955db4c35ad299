/**
 * Every name that leaves with telemetry. Workbook, alerts and docs/monitoring.md use these names; tests compare them. Those of HTTP
 * and of Node.js are OpenTelemetry's semantic conventions.
 */
export const metricNames = {
  serverDuration: 'http.server.request.duration',
  clientDuration: 'http.client.request.duration',
  eventLoopMean: 'nodejs.eventloop.delay.mean',
  eventLoopP99: 'nodejs.eventloop.delay.p99',
  eventLoopMax: 'nodejs.eventloop.delay.max',
  identities: 'acs_auth.identities',
  orphans: 'acs_auth.orphans',
  tokens: 'acs_auth.tokens',
  refusedTokens: 'acs_auth.refused_tokens',
  cacheLookups: 'acs_auth.cache.lookups',
  openBreakers: 'acs_auth.circuit_breaker.open',
  certificateExpiry: 'acs_auth.credential.time_to_expiry',
} as const;

export const attributeNames = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  scheme: 'url.scheme',
  path: 'url.path',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  errorType: 'error.type',
  /** The same value: the exporter for Application Insights leaves out `error.type`. */
  error: 'acs_auth.error',
  upstream: 'acs_auth.upstream',
  operation: 'acs_auth.operation',
  /** created, replaced or deleted; cleaned or lost; issued, reused or exchanged. */
  outcome: 'acs_auth.outcome',
  reason: 'acs_auth.reason',
  cache: 'acs_auth.cache',
  hit: 'acs_auth.cache.hit',
  credential: 'acs_auth.credential',
  retry: 'acs_auth.retry',
  delayInMs: 'acs_auth.retry.delay_ms',
} as const;

export const spanEvents = {
  retry: 'retry',
  breakerOpen: 'circuit breaker open',
} as const;

export const defaultServiceName = 'acs-authentication-server';
