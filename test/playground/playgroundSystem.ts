import { join } from 'node:path';
import { type Playground, startPlayground } from '../../playground/serve';
import type { PlaygroundSettings } from '../../playground/settings';
import { startSystem, type System } from '../support/startSystem';

export interface PlaygroundSystem extends System {
  readonly playground: Playground;
}

const folder = join(__dirname, '..', '..', 'build', 'playground', 'page');

/** Emulator, server and page, each with its own origin. `url` is a server that allows no origin; the page uses another server, which allows it. */
export async function startPlaygroundSystem(): Promise<PlaygroundSystem> {
  const system = await startSystem();
  // API and page need each other's URL, so that of the API is set later.
  const settings = settingsFor(system, system.url);
  const playground = await startPlayground({ port: 0, settings, folder });
  const api = await system.startAnother({ CORS_ALLOWED_ORIGINS: playground.url });
  settings.apiUrl = api.url;
  return {
    ...system,
    playground,
    async stop() {
      await playground.stop();
      await system.stop();
    },
  };
}

/** Another page, for the API at this URL. */
export function startPlaygroundFor(system: System, apiUrl: string): Promise<Playground> {
  return startPlayground({ port: 0, settings: settingsFor(system, apiUrl), folder });
}

function settingsFor({ emulator }: System, apiUrl: string): PlaygroundSettings {
  return {
    provider: 'entra',
    authority: `${emulator.url}/${emulator.tenantId}`,
    clientId: emulator.authClient.clientId,
    apiScope: `${emulator.authServer.appIdUri}/access_as_user`,
    apiUrl,
  };
}
