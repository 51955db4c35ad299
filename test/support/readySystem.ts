import { startSystem, type System, type TestServer } from './startSystem';

/** A system whose server has loaded what it loads at its start, so that later calls are those of the test. */
export async function startReadySystem(settings: Record<string, string> = {}): Promise<System> {
  const system = await startSystem(settings);
  await loaded(system);
  return system;
}

/** A further server on the same emulator, as ready: without anything remembered, and with every upstream well in its eyes. */
export async function startReadyServer(
  system: System,
  settings: Record<string, string> = {},
): Promise<TestServer> {
  const server = await system.startAnother(settings);
  await loaded(server);
  return server;
}

async function loaded(server: TestServer): Promise<void> {
  while ((await server.call('get', '/health/ready')).status !== 200) await new Promise(setImmediate);
}
