import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createHttpServer } from '../../src/http/server/httpServer';

it('handles concurrent requests each in its own asynchronous context, for tracing', async () => {
  const tracing = new AsyncLocalStorage<string>();
  const app = express().use((_request, response) => void response.end(tracing.getStore()));
  const { server } = createHttpServer(app);
  server.prependListener('request', ({ url }) => tracing.enterWith(url ?? ''));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const paths = Array.from({ length: 200 }, (_, index) => `/${index}`);
  const replies = await Promise.all(
    paths.map(async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()),
  );
  server.close();
  server.closeAllConnections();
  expect(replies).toEqual(paths);
});
