import { isLoopback } from '../../config/formats';
import { printable as printableText } from '../../errors';
import { HttpError } from '../../resilience/httpClient';
import { type Check, ok, problem, type Result, warning } from '../check';
import { explainNetworkError, parseJson, probe, type Prober, type TimedReply } from '../network';
import { printable } from '../report';

export interface DeployedServerOptions extends Prober {
  /** Without a slash at the end. */
  readonly url: string;
  /** Origins of browser apps that must be able to call. */
  readonly origins: readonly string[];
  readonly clocksAheadInMs: Map<string, number>;
}

const group = 'Deployed server';
const docs = 'docs/deploy-to-azure.md#checking-it';
/** No app has it: the name is reserved (RFC 2606). */
const foreignOrigin = 'https://doctor.invalid';
const maxReasonLength = 300;
const expectedHeaders = {
  'x-content-type-options': /^nosniff$/,
  'cache-control': /\bno-store\b/,
  'strict-transport-security': /\bmax-age=/,
  'content-security-policy': /./,
};

/** Whether a running server is this API, protected, and ready. No token is needed or sent. */
export function createDeployedServerChecks(options: DeployedServerOptions): Check[] {
  const { url, origins, clocksAheadInMs } = options;
  const call = async (path: string, request: Parameters<typeof probe>[2] = {}) => {
    const reply = await probe(options, `${url}${path}`, request);
    if (reply.clockAheadInMs !== undefined) clocksAheadInMs.set('the server', reply.clockAheadInMs);
    return reply;
  };
  const withReply =
    (work: () => Promise<Result | Result[]>): Check['run'] =>
    async () => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof HttpError)
          return { ...explainNetworkError(error, url, 'the address after --url'), docs };
        throw error;
      }
    };

  const encryption: Check = { name: 'encryption', group, run: withReply(() => checkEncryption(options)) };
  const live: Check = {
    name: 'live',
    group,
    run: withReply(async () => checkLive(await call('/health/live'))),
  };
  return [
    live,
    encryption,
    {
      name: 'ready',
      group,
      needs: [live],
      run: withReply(async () => checkReady(await call('/health/ready'))),
    },
    {
      name: 'call without a token',
      group,
      needs: [live],
      run: withReply(async () => checkRefusal(await call('/api/token'))),
    },
    {
      name: 'headers',
      group,
      needs: [live],
      run: withReply(async () => checkHeaders(await call('/api/token'))),
    },
    {
      name: 'browser apps',
      group,
      needs: [live],
      run: withReply(async () => {
        const results = [checkForeignOrigin(await preflight(call, foreignOrigin))];
        for (const origin of origins) results.push(checkOwnOrigin(await preflight(call, origin), origin));
        return results;
      }),
    },
  ];
}

async function checkEncryption(options: DeployedServerOptions): Promise<Result> {
  const { protocol, host, port } = new URL(options.url);
  if (protocol === 'http:') {
    return isLoopback(new URL(options.url))
      ? ok('none, on this machine')
      : problem('the address is http: tokens can be intercepted', 'Use https, and turn on HTTPS only.', {
          docs,
        });
  }
  // With a port in the address, the port for plain http is not known.
  if (port !== '') return ok('https');
  const plain = await probe(options, `http://${host}/health/live`).catch(() => undefined);
  return plain === undefined || (plain.status >= 300 && plain.status < 400)
    ? ok('https only')
    : problem(`it also responds without encryption (HTTP ${plain.status})`, 'Turn on HTTPS only.', { docs });
}

function checkLive({ status, text }: TimedReply): Result {
  if (status === 200 && text === '{"status":"live"}') return ok('it runs');
  return problem(
    `/health/live does not respond like this server (HTTP ${status})`,
    'Check the address. Right after a deployment, wait a minute; then read the log of the app.',
    { docs },
  );
}

function checkReady({ status, text }: TimedReply): Result {
  if (status === 200) return ok('the signing keys are loaded, and the identity store can be used');
  const { reason } = objectIn(text);
  const cause =
    typeof reason === 'string'
      ? printableText(reason, maxReasonLength)
      : 'The server cannot load the signing keys of the identity provider, or it is shutting down.';
  return problem(
    `/health/ready returns HTTP ${status}`,
    'Read the log of the app, and run the doctor where the server runs.',
    { cause, docs },
  );
}

function checkRefusal({ status, headers, text }: TimedReply): Result {
  if (
    status === 401 &&
    /^Bearer/i.test(headers['www-authenticate'] ?? '') &&
    codeOf(text) === 'missing_token'
  )
    return ok('is refused: 401 missing_token');
  if (status >= 300 && status < 400) {
    return problem(
      `a call without a token is redirected (HTTP ${status})`,
      'Turn off Authentication of the App Service, or the sign-in of the gateway: this server checks tokens itself.',
      { cause: 'Something in front of the server signs users in with a page.', docs },
    );
  }
  return problem(
    `a call without a token gets HTTP ${status}, not 401 missing_token`,
    'Check what is in front of the server, such as Authentication of the App Service or a gateway.',
    { docs },
  );
}

function codeOf(text: string): unknown {
  const { error } = objectIn(text) as { error?: { code?: unknown } };
  return error?.code;
}

/** The JSON object of a response; empty if there is none. */
function objectIn(text: string): Readonly<Record<string, unknown>> {
  const body = parseJson(text);
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

function checkHeaders({ headers }: TimedReply): Result {
  const wrong = Object.entries(expectedHeaders)
    .filter(([name, pattern]) => !pattern.test(headers[name] ?? ''))
    .map(([name]) => name);
  if (headers['x-powered-by'] !== undefined) wrong.push('x-powered-by');
  return wrong.length === 0
    ? ok('not cached, not sniffed, encryption required')
    : warning(
        `differ from those that this server sends: ${wrong.join(', ')}`,
        'Check what is in front of the server: a gateway or web.config changes headers.',
      );
}

function preflight(
  call: (path: string, request: Parameters<typeof probe>[2]) => Promise<TimedReply>,
  origin: string,
): Promise<TimedReply> {
  const headers = {
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  };
  return call('/api/token', { method: 'OPTIONS', headers });
}

function checkForeignOrigin({ headers }: TimedReply): Result {
  return headers['access-control-allow-origin'] === undefined
    ? ok('an unknown origin may not call')
    : problem(
        `any origin may call (access-control-allow-origin: ${printable(headers['access-control-allow-origin'])})`,
        'List the origins of your apps in CORS_ALLOWED_ORIGINS, and turn off CORS of the App Service or the gateway.',
        { docs: 'docs/settings.md' },
      );
}

function checkOwnOrigin({ headers }: TimedReply, origin: string): Result {
  const allowed = headers['access-control-allow-origin'];
  return allowed === origin || allowed === '*'
    ? ok(`${origin} may call`)
    : problem(`${origin} may not call`, 'Add it to CORS_ALLOWED_ORIGINS, without a slash at the end.', {
        docs: 'docs/settings.md',
      });
}
