import express, { type RequestHandler, Router } from 'express';
import { createEmulatorControl } from './emulatorControl';
import type { LocalSettings } from './settings';
import { isFailureName } from './failures';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The emulator operations that the page may use. Web pages cannot call the emulator's control API directly. */
export function createLocalRoutes({ emulatorUrl }: LocalSettings): Router {
  const emulator = createEmulatorControl(emulatorUrl);
  const router = Router();
  router.use(refuseOtherPages);
  router.use(express.json({ limit: '1kb' }));

  router.get('/calls', async ({ query: { requestId, since } }, response) => {
    if (typeof requestId === 'string' && guid.test(requestId)) {
      response.json(await emulator.calls({ requestId }));
    } else if (typeof since === 'string' && /^\d{1,15}$/.test(since)) {
      response.json(await emulator.calls({ since: Number(since) }));
    } else {
      response.sendStatus(400);
    }
  });
  router.put('/failure', async (request, response) => {
    const { name, user } = (request.body ?? {}) as { name?: unknown; user?: unknown };
    if (isFailureName(name) && typeof user === 'string' && guid.test(user)) {
      response.json(await emulator.simulate(name, user));
    } else {
      response.sendStatus(400);
    }
  });
  router.delete('/failure', async (_request, response) => {
    await emulator.end();
    response.sendStatus(204);
  });
  return router;
}

/** Browsers send this header and pages cannot change it. This also rejects a page under another name of this machine. */
const refuseOtherPages: RequestHandler = (request, response, next) => {
  const ownHost = /^localhost(:\d+)?$/.test(request.headers.host ?? '');
  if (ownHost && request.headers['sec-fetch-site'] === 'same-origin') next();
  else response.sendStatus(403);
};
