import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createAcceptDelay } from '../../src/http/server/acceptDelay';
import { until } from '../support/until';

it('closes its own connection, and none of a client that has the same port on another machine', async () => {
  // It accepts the probe. The test decides when the watched server does.
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const watched = Object.assign(new EventEmitter(), {
    listening: true,
    address: () => listener.address() as AddressInfo,
  });
  const acceptDelay = createAcceptDelay();
  acceptDelay.watch(watched as unknown as Server);

  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  expect(acceptDelay.inMs()).toBeLessThan(1_000);
  const [probe] = await accepted;
  let clientIsClosed = false;
  watched.emit('connection', {
    remoteAddress: '203.0.113.7',
    remotePort: probe.remotePort,
    destroy: () => (clientIsClosed = true),
  });
  expect(clientIsClosed).toBe(false);
  watched.emit('connection', probe);
  expect(probe.destroyed).toBe(true);
  listener.close();
  await once(listener, 'close');
});

it('does not wait for a connection that the server has closed instead of accepting it', async () => {
  // As the event loop does with new connections while there are no file descriptors.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.maxConnections = 1;
  const first = connect(port, '127.0.0.1');
  await once(server, 'connection');
  const acceptDelay = createAcceptDelay();
  acceptDelay.watch(server);

  const dropped = once(server, 'drop');
  acceptDelay.inMs();
  await dropped;
  await until(() => acceptDelay.inMs() === 0);
  first.destroy();
  server.close();
  await once(server, 'close');
});
