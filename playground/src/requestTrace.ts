import type { LocalSettings, SignInSettings } from '../settings';
import type { UpstreamCall } from '../failures';
import type { Exchange } from './recorder';

/** A service that a request passes through. */
export type Stop = 'browser' | 'api' | 'provider' | 'store' | 'acs';

export type StopState = 'idle' | 'active' | 'good' | 'bad' | 'memory' | 'unused';

export interface TraceStop {
  readonly stop: Stop;
  readonly name: string;
  readonly state: StopState;
  /** Its part in this trace, such as "12 ms" or "from memory". */
  readonly note: string;
}

export interface TraceStep {
  readonly stop: Stop;
  readonly text: string;
  /** Since the browser sent the request. */
  readonly startInMs: number;
  /** Absent while it runs. */
  readonly durationInMs?: number;
  /** 0 if there was no response; absent while it runs. */
  readonly status?: number;
}

export interface RequestTrace {
  readonly stops: TraceStop[];
  readonly steps: TraceStep[];
  readonly summary: string;
}

/** What a request passes through depends on these. */
export interface Environment {
  readonly provider: SignInSettings['provider'];
  readonly store: LocalSettings['store'];
}

/** A request that was sent, with its outcome when it has ended. */
export type TracedRequest = Pick<Exchange, 'method' | 'url' | 'startedAt'> &
  Partial<Pick<Exchange, 'durationInMs' | 'response'>>;

const providerNames: Record<string, string> = {
  entra: 'Entra ID',
  external_id: 'External ID',
  b2c: 'Azure AD B2C',
  oidc: 'Identity provider',
};
const storeNames: Record<string, string> = { graph: 'Microsoft Graph', table: 'Table Storage' };

/** The stops of a request, with notes on their purpose. With the store `acs`, ACS keeps the identities itself. */
export function stopsOf({ provider, store }: Environment): Pick<TraceStop, 'stop' | 'name' | 'note'>[] {
  const storeName = storeNames[store];
  return [
    { stop: 'browser', name: 'Browser', note: 'calls the API' },
    { stop: 'api', name: 'API', note: 'verifies your token' },
    {
      stop: 'provider',
      name: providerNames[provider] ?? provider,
      note: store === 'graph' ? 'issues tokens to the API' : 'signs you in',
    },
    ...(storeName === undefined
      ? []
      : [{ stop: 'store' as const, name: storeName, note: 'keeps your identity’s ID' }]),
    { stop: 'acs', name: 'ACS', note: 'identities and tokens' },
  ];
}

const texts: [prefix: string, stop: Stop, text: string][] = [
  ['entra.token.on_behalf_of', 'provider', 'On-Behalf-Of exchange'],
  ['entra.token', 'provider', 'Token for the API itself'],
  ['entra', 'provider', 'Load the signing keys'],
  ['externalId', 'provider', 'Load the signing keys'],
  ['b2c', 'provider', 'Load the signing keys'],
  ['graph.extension.create', 'store', 'Write the mapping'],
  ['graph.extension.update', 'store', 'Set the pending deletion'],
  ['graph.extension.delete', 'store', 'Remove the mapping'],
  ['graph', 'store', 'Read the mapping'],
  ['table.insert', 'store', 'Write the mapping'],
  ['table.update', 'store', 'Set the pending deletion'],
  ['table.delete', 'store', 'Remove the mapping'],
  ['table.create', 'store', 'Create the table'],
  ['table', 'store', 'Read the mapping'],
  ['acs.identity.create', 'acs', 'Find or create the identity'],
  ['acs.identity.delete', 'acs', 'Delete the identity'],
  ['acs.identity', 'acs', 'Read the identity'],
  ['acs.token.issue', 'acs', 'Issue a token'],
  ['acs.teams', 'acs', 'Exchange the Teams token'],
];

export function describeTrace(
  request: TracedRequest,
  calls: readonly UpstreamCall[],
  environment: Environment,
): RequestTrace {
  const steps = [browserStep(request), ...calls.map((call) => stepOf(call, request))];
  const running = request.durationInMs === undefined;
  return {
    steps,
    stops: stopsOf(environment).map(({ stop, name }) => ({
      stop,
      name,
      ...stateOf(stop, request, steps, environment.store),
    })),
    summary: running ? 'In progress …' : summaryOf(request, calls.length),
  };
}

function browserStep({ method, url, durationInMs, response }: TracedRequest): TraceStep {
  return {
    stop: 'api',
    text: `${method} ${new URL(url).pathname}`,
    startInMs: 0,
    ...(durationInMs === undefined ? {} : { durationInMs, status: response?.status ?? 0 }),
  };
}

function stepOf(
  { operation, status, startedAt, milliseconds }: UpstreamCall,
  request: TracedRequest,
): TraceStep {
  const [, stop = 'provider', text = operation] =
    texts.find(([prefix]) => operation === prefix || operation.startsWith(`${prefix}.`)) ?? [];
  return {
    stop,
    text,
    startInMs: Math.max(0, startedAt - request.startedAt),
    ...(milliseconds === undefined ? {} : { durationInMs: milliseconds, status }),
  };
}

function stateOf(
  stop: Stop,
  request: TracedRequest,
  steps: readonly TraceStep[],
  store: string,
): Pick<TraceStop, 'state' | 'note'> {
  const running = request.durationInMs === undefined;
  const failed = (request.response?.status ?? 0) >= 400 || (!running && !request.response);
  const own = steps.filter((step) => step.stop === (stop === 'browser' ? 'api' : stop));
  if (stop === 'browser') return { state: running ? 'active' : 'good', note: 'sent the request' };
  const last = own.at(-1);
  if (last) {
    if (last.durationInMs === undefined) return { state: 'active', note: 'working …' };
    const sum = own.reduce((total, { durationInMs = 0 }) => total + durationInMs, 0);
    const calls = own.length > 1 ? `${own.length} calls, ` : '';
    const state = isFailure(last.status, last.stop, request) ? 'bad' : 'good';
    return { state, note: `${calls}${Math.round(sum)} ms` };
  }
  if (running) return { state: 'unused', note: '…' };
  if (failed) return { state: 'unused', note: 'not reached' };
  return fromMemory(stop, request, steps, store)
    ? { state: 'memory', note: 'from memory' }
    : { state: 'unused', note: 'not needed' };
}

/** 404 for a mapping that does not exist is not a failure. */
function isFailure(status: number | undefined, stop: Stop, { response }: TracedRequest): boolean {
  if (status === undefined || status === 0) return true;
  return status >= 400 && !(stop !== 'api' && status === 404 && (response?.status ?? 0) < 400);
}

/** Whether the API had the result of an earlier call in memory, so that it did not call this stop again. */
function fromMemory(stop: Stop, { url }: TracedRequest, steps: readonly TraceStep[], store: string): boolean {
  const wasCalled = (other: Stop) => steps.some((step) => step.stop === other);
  const path = new URL(url).pathname;
  if (stop === 'provider') return store === 'graph' && wasCalled('store');
  if (path !== '/api/token') return false;
  return stop === 'store' ? wasCalled('acs') : stop === 'acs';
}

function summaryOf({ response }: TracedRequest, calls: number): string {
  if (!response) return 'No response from the API.';
  if (calls === 1) return '1 upstream call.';
  if (calls > 1) return `${calls} upstream calls.`;
  return response.status < 400
    ? 'No upstream call: everything was in memory.'
    : 'No upstream call: the API rejected the request itself.';
}
