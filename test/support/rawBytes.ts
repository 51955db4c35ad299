import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection to the server at `url` on which these bytes have been sent. */
export function sendBytes(url: string, bytes: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  return socket;
}

/** What the server says to these bytes until it closes the connection. */
export async function say(url: string, bytes: string): Promise<string> {
  const socket = sendBytes(url, bytes);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await once(socket, 'close');
  return answer;
}
