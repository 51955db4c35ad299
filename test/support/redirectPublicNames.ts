import { Socket } from 'node:net';

/**
 * Loaded before a program: redirects its connections to Azure's hosts, and no others, to a port on this machine. It stands for a hosts
 * entry and port 443, which only an administrator can bind.
 */
const port = Number(process.env.PUBLIC_NAMES_PORT);
const publicNames =
  /^(login\.microsoftonline\.com|login\.windows\.net|sts\.windows\.net|graph\.microsoft\.com|.+\.communication\.azure\.com)$/;

type Connect = (this: Socket, ...args: unknown[]) => Socket;

// Every client of Node.js, TLS or not, connects with this method.
const connect = Reflect.get(Socket.prototype, 'connect') as Connect;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const [first, ...others] = args;
  if (Array.isArray(first)) {
    const normalized: unknown[] = first;
    // Arguments that Node.js has already normalized are recognized by a symbol on the list.
    normalized[0] = redirected(normalized[0]);
    return connect.call(this, normalized, ...others);
  }
  return connect.call(this, redirected(first), ...others);
};

function redirected(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || !('host' in options)) return options;
  if (!publicNames.test(String(options.host))) return options;
  return { ...options, host: '127.0.0.1', port, lookup: undefined };
}
