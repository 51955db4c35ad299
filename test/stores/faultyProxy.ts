import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ProxyFault =
  /** The request is applied; the connection ends without a reply. */
  | 'replyLost'
  /** The service does not get the request. */
  | 'dropped'
  /** 503 ServerBusy, as Azure Tables throttles. */
  | 'throttled';

export interface HeldReply {
  /** Resolves when the service has replied. */
  readonly applied: Promise<void>;
  /** Passes the reply on. */
  release(): void;
  /** Ends the connection without a reply. */
  lose(): void;
}

/** A proxy between a client and a service over HTTP, with faults on demand. */
export interface FaultyProxy {
  readonly origin: string;
  /** The next requests with this method fail. */
  fail(fault: ProxyFault, method: string, times?: number): void;
  clear(): void;
  /** Delays every request for this long before it reaches the service, until `clear`. */
  delay(milliseconds: number): void;
  /** The next request with this method reaches the service when the returned function is called. */
  hold(method: string): () => void;
  /** The next request with this method is applied, and its reply waits. */
  holdReply(method: string): HeldReply;
  /** The requests since the start, by method, including those that failed on demand. */
  calls(): Record<string, number>;
  /** Responds to every request with this error code and status, until `clear`. */
  refuse(status: number, code: string): void;
  stop(): Promise<void>;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  let faults: { fault: ProxyFault; method: string }[] = [];
  let refusal: { status: number; code: string } | undefined;
  let delayInMs = 0;
  let held: { method: string; released: Promise<void> } | undefined;
  let heldReply: { method: string; onReply: (pass: () => void, lose: () => void) => void } | undefined;
  const calls: Record<string, number> = {};
  const { hostname, port } = new URL(target);

  function take(method: string | undefined): ProxyFault | undefined {
    const index = faults.findIndex((candidate) => candidate.method === method);
    return index === -1 ? undefined : faults.splice(index, 1)[0]?.fault;
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '' } = incoming;
    calls[method] = (calls[method] ?? 0) + 1;
    if (refusal) {
      incoming.resume();
      outgoing.writeHead(refusal.status, { 'x-ms-error-code': refusal.code }).end();
      return;
    }
    const fault = take(method);
    if (fault === 'dropped') return void incoming.socket.destroy();
    if (fault === 'throttled') {
      incoming.resume();
      outgoing.writeHead(503, { 'x-ms-error-code': 'ServerBusy', 'Retry-After': '1' }).end();
      return;
    }
    const { url: path, headers } = incoming;
    const onReply = heldReply?.method === method ? heldReply.onReply : undefined;
    if (onReply) heldReply = undefined;
    const forwarded = request({ hostname, port, method, path, headers }, (reply) => {
      const lose = () => void reply.resume().once('end', () => incoming.socket.destroy());
      const pass = () => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(outgoing);
      };
      if (onReply) onReply(pass, lose);
      else if (fault === 'replyLost') lose();
      else pass();
    });
    forwarded.on('error', () => incoming.socket.destroy());
    const forward = () => void incoming.pipe(forwarded);
    if (held?.method === method) {
      void held.released.then(forward);
      held = undefined;
    } else if (delayInMs === 0) forward();
    else setTimeout(forward, delayInMs);
  }

  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail(fault, method, times = 1) {
      for (let count = 0; count < times; count += 1) faults.push({ fault, method });
    },
    clear() {
      faults = [];
      refusal = undefined;
      delayInMs = 0;
    },
    delay: (milliseconds) => void (delayInMs = milliseconds),
    hold(method) {
      let release: () => void = () => undefined;
      held = { method, released: new Promise((resolve) => (release = resolve)) };
      return release;
    },
    holdReply(method) {
      let release: () => void = () => undefined;
      let lose = release;
      const applied = new Promise<void>((resolve) => {
        heldReply = {
          method,
          onReply(pass, drop) {
            [release, lose] = [pass, drop];
            resolve();
          },
        };
      });
      return { applied, release: () => release(), lose: () => lose() };
    },
    calls: () => ({ ...calls }),
    refuse: (status, code) => void (refusal = { status, code }),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
