import { join } from 'node:path';
import { type Playground, startPlayground } from '../../playground/serve';
import { playgroundSignIn } from '../../emulator/playgroundSignIn';
import { type PlaygroundSettings, readSettings } from '../../playground/settings';
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
  const api = await system.startAnother({ CORS_ALLOWED_ORIGINS: playground.url, FORWARD_REQUEST_ID: 'on' });
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

/** A page that offers users of Entra ID, External ID and Azure AD B2C, and an API that accepts them all. */
export async function startPlaygroundOfProviders(system: System): Promise<Playground> {
  const { externalId, b2c } = system.emulator;
  const api = await system.startAnother({
    IDENTITY_PROVIDER: 'entra,external_id,b2c',
    IDENTITY_STORE: 'acs',
    ...externalId.settings(),
    ...b2c.settings(),
    CORS_ALLOWED_ORIGINS: '*',
    FORWARD_REQUEST_ID: 'on',
  });
  const otherSignIns = (['external_id', 'b2c'] as const).map((provider) => {
    const { authority, clientId, apiScope } = readSettings(playgroundSignIn(provider, system.emulator));
    return { provider, authority, clientId, apiScope };
  });
  const local = { emulatorUrl: system.emulator.url, store: 'acs' };
  const settings = { ...settingsFor(system, api.url), otherSignIns, local };
  return startPlayground({ port: 0, folder, settings });
}

/** Another page, for the API at this URL. */
export function startPlaygroundFor(system: System, apiUrl: string): Promise<Playground> {
  return startPlayground({ port: 0, settings: settingsFor(system, apiUrl), folder });
}

function settingsFor({ emulator }: System, apiUrl: string): PlaygroundSettings {
  return readSettings({
    ...playgroundSignIn('entra', emulator),
    PLAYGROUND_API_URL: apiUrl,
    PLAYGROUND_EMULATOR_URL: emulator.url,
  });
}
