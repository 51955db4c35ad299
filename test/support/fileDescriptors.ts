import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';

/** Enough to start the server and serve requests. */
export const maxOpenFiles = 64;

/** A client with one connection, which the server has already accepted. */
export async function connectClient(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = async (path: string, accessToken?: string) => {
    const headers = accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` };
    const [response] = (await once(get(`${url}${path}`, { agent, headers }), 'response')) as [
      IncomingMessage,
    ];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode, headers: response.headers };
  };
  await send('/health/live');
  return { send, close: () => agent.destroy() };
}

/** Opens connections until the server, which was started with `maxOpenFiles`, accepts no more. Returns a function that closes them. */
export async function useAllFileDescriptors(url: string): Promise<() => void> {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: maxOpenFiles }, () => connect(Number(port), hostname));
  // Those that the server cannot accept are closed.
  await Promise.any(sockets.map((socket) => once(socket.on('error', () => undefined).resume(), 'close')));
  return () => sockets.forEach((socket) => socket.destroy());
}
