import { connect, type Server, type Socket } from 'node:net';

/** How often it is measured, and how long a measurement counts. */
const probeIntervalInMs = 250;
const validInMs = 1_000;

/**
 * How long a new connection waits until the server accepts it. Node.js accepts one in each turn of its event loop (libuv 1.45 and later),
 * so on a busy server they queue up in the kernel, where neither a request nor a delay of the loop shows them. It is measured by connecting
 * to the server, and only while it is asked for.
 */
export interface AcceptDelay {
  watch(server: Server): void;
  inMs(): number;
}

interface Probe {
  readonly socket: Socket;
  readonly startedAt: number;
}

export function createAcceptDelay(): AcceptDelay {
  let server: Server | undefined;
  let probe: Probe | undefined;
  let last = { delayInMs: 0, at: -Infinity };

  function end(delayInMs: number): void {
    probe?.socket.destroy();
    probe = undefined;
    last = { delayInMs, at: performance.now() };
  }

  function start(): void {
    const address = server?.listening ? server.address() : undefined;
    // A named pipe has no address.
    if (!address || typeof address === 'string') return;
    const host = ['::', '0.0.0.0'].includes(address.address) ? '127.0.0.1' : address.address;
    const socket = connect({ host, port: address.port }).unref();
    socket.on('error', () => undefined);
    // It failed, or was closed without being accepted, as without file descriptors: there is nothing to wait for.
    socket.once('close', () => probe?.socket === socket && end(0));
    probe = { socket, startedAt: performance.now() };
  }

  return {
    watch(watched) {
      server = watched;
      server.on('connection', (accepted: Socket) => {
        if (!probe || !isOtherEnd(accepted, probe.socket)) return;
        accepted.destroy();
        end(performance.now() - probe.startedAt);
      });
    },
    inMs() {
      const now = performance.now();
      if (!probe && now - last.at >= probeIntervalInMs) start();
      const waitedInMs = probe ? now - probe.startedAt : 0;
      return Math.max(waitedInMs, now - last.at < validInMs ? last.delayInMs : 0);
    },
  };
}

/** A client on another machine may have the same port. With IPv6, an IPv4 address has a prefix. */
function isOtherEnd({ remoteAddress, remotePort }: Socket, { localAddress, localPort }: Socket): boolean {
  return remotePort === localPort && remoteAddress?.replace(/^::ffff:/, '') === localAddress;
}
