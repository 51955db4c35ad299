import { z } from 'zod';
import { type Emulator } from '../emulator';
import { type Call, type Handler, header, json, noContent, type Reply } from '../http/exchange';
import { controlActions, controlPrefix } from './actions';

/** Everything under `/_emulator`: the functions of `Emulator` over HTTP, for other processes. */
export function controlHandler(emulator: Emulator): Handler {
  const actions = controlActions(emulator);
  return (call) => {
    const refusal = refuseForeign(call);
    if (refusal) return refusal;
    const name = call.path.slice(controlPrefix.length + 1).replace(/\/$/, '');
    const action = actions.find((candidate) => candidate.method === call.method && candidate.name === name);
    if (!action)
      return problem(
        404,
        `There is no ${call.method} ${call.path}. GET ${controlPrefix}/ lists all operations.`,
      );
    try {
      const result = action.run(parseBody(call), call.query);
      return result === undefined ? noContent() : json(200, result, { 'cache-control': 'no-store' });
    } catch (error) {
      if (error instanceof z.ZodError) return problem(400, z.prettifyError(error));
      return problem(400, error instanceof Error ? error.message : 'unknown');
    }
  };
}

/**
 * Web pages must not be able to call this: neither with a cross-origin request, nor through a DNS name that points to
 * this machine.
 */
function refuseForeign(call: Call): Reply | undefined {
  const host = header(call, 'host') ?? '';
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host))
    return problem(403, 'Only under a loopback name.');
  const site = header(call, 'sec-fetch-site') ?? 'none';
  if (header(call, 'origin') !== undefined || !['none', 'same-origin'].includes(site)) {
    return problem(403, 'Not for web pages.');
  }
  return undefined;
}

function parseBody(call: Call): unknown {
  if (call.body.length === 0) return undefined;
  const contentType = header(call, 'content-type') ?? '';
  if (!/^application\/json\b/i.test(contentType)) throw new Error('The body must be application/json.');
  return JSON.parse(call.body.toString());
}

function problem(status: number, message: string): Reply {
  return json(status, { error: { code: 'Control', message } });
}
