import type { Timings } from '../../src/timings';
import { startSystem, type System, type TestServer } from './startSystem';

/** A system whose server has finished its start, so that all later upstream calls are made by the test. */
export async function startReadySystem(
  settings: Record<string, string> = {},
  timings?: Timings,
): Promise<System> {
  const system = await startSystem(settings, timings);
  await system.ready();
  return system;
}

/** Another ready server on the same emulator, with empty caches and closed circuit breakers. */
export async function startReadyServer(
  system: System,
  settings: Record<string, string> = {},
): Promise<TestServer> {
  const server = await system.startAnother(settings);
  await server.ready();
  return server;
}
