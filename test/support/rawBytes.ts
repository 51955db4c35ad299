import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Opens a connection to the server at `url` and sends these bytes. */
export function sendBytes(url: string, bytes: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  return socket;
}

/** Sends these bytes and returns the response, up to the end of the connection. */
export async function sendRaw(url: string, bytes: string): Promise<string> {
  const socket = sendBytes(url, bytes);
  let response = '';
  socket.on('data', (chunk: Buffer) => (response += chunk.toString()));
  await once(socket, 'close');
  return response;
}
