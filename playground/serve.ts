import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import express, { type RequestHandler } from 'express';
import { loadMetadata } from './emulatorControl';
import { createLocalRoutes } from './localRoutes';
import type { PlaygroundSettings, SignInSettings } from './settings';

export interface PlaygroundOptions {
  /** 0 selects any free port. */
  port: number;
  /** Read again for every response. */
  settings: PlaygroundSettings;
  /** The folder of the bundled page. */
  folder: string;
}

export interface Playground {
  /** `http://localhost:<port>`: the origin that the API must allow. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the page on loopback only, where browsers treat http like https. */
export async function startPlayground({ port, settings, folder }: PlaygroundOptions): Promise<Playground> {
  if (!existsSync(join(folder, 'index.html'))) {
    throw new Error(`No page in ${folder}. Build it with npm run build:playground.`);
  }
  const app = express();
  app.disable('x-powered-by');
  app.use(setSafeHeaders(settings));
  app.use(redirectToLocalhost);
  app.get('/settings.json', async (_request, response) => {
    response.json(settings.local ? await withMetadata(settings) : settings);
  });
  if (settings.local) app.use('/local', createLocalRoutes(settings.local));
  app.use(express.static(folder, { cacheControl: false }));

  const server = createServer(app);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Only the name localhost is registered as a redirect URI. */
const redirectToLocalhost: RequestHandler = ({ headers: { host = '' }, url }, response, next) => {
  const port = /^127\.0\.0\.1(:\d+)?$/.exec(host);
  if (port) response.redirect(`http://localhost${port[1] ?? ''}${url}`);
  else next();
};

async function withMetadata(settings: PlaygroundSettings): Promise<PlaygroundSettings> {
  const load = async <T extends SignInSettings>(signIn: T): Promise<T> => ({
    ...signIn,
    authorityMetadata: await loadMetadata(signIn.authority),
  });
  const { otherSignIns } = settings;
  return {
    ...(await load(settings)),
    ...(otherSignIns ? { otherSignIns: await Promise.all(otherSignIns.map(load)) } : {}),
  };
}

/** The page may run its own script and connect to the API and the authority only. */
function setSafeHeaders(settings: PlaygroundSettings): RequestHandler {
  return (_request, response, next) => {
    const signIns = [settings, ...(settings.otherSignIns ?? [])];
    const authority = [...new Set(signIns.map((signIn) => new URL(signIn.authority).origin))].join(' ');
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${new URL(settings.apiUrl).origin} ${authority}`,
      // MSAL renews sign-ins in a hidden frame that is redirected to redirect.html.
      `frame-src 'self' ${authority}`,
      "frame-ancestors 'self'",
      "form-action 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ];
    response.set({
      'Content-Security-Policy': policy.join('; '),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    });
    next();
  };
}
