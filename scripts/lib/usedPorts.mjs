import { once } from 'node:events';
import { createServer } from 'node:net';

/** The ports of `npm run local`, by the settings that change them. */
const defaults = { PORT: 3000, PLAYGROUND_PORT: 5173, EMULATOR_PORT: 8443 };

/** Those that another program listens on. A malformed setting is left to the program that reads it. */
export async function usedPorts(environment) {
  const ports = Object.entries(defaults).map(([setting, port]) => ({
    setting,
    port: Number(environment[setting] || port),
  }));
  const used = await Promise.all(ports.map(({ port }) => isInUse(port)));
  return ports.filter((_, index) => used[index]);
}

async function isInUse(port) {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false;
  const probe = createServer();
  try {
    probe.listen(port);
    await once(probe, 'listening');
    return false;
  } catch (error) {
    return error.code === 'EADDRINUSE';
  } finally {
    probe.close();
  }
}
