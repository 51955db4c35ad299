import express from 'express';
import request from 'supertest';
import { createApp } from '../../src/app';
import { createServices } from '../../src/composition';
import { loadConfig } from '../../src/config/config';
import { createLogger } from '../../src/logger';
import { startSystem, type System } from '../support/startSystem';

let system: System;
let host: express.Express;
let stop: () => Promise<void>;
beforeAll(async () => {
  system = await startSystem();
  const config = loadConfig(system.emulator.settings());
  const log = createLogger({ level: 'silent', secrets: [] });
  const services = await createServices(config, log);
  services.start();
  stop = () => services.stop();
  host = express();
  host.use(express.json(), express.urlencoded());
  host.use('/acs', createApp({ config, services, log, isAcceptingWork: () => true }));
});
afterAll(async () => {
  await stop();
  await system.stop();
});

describe('a host app that parses bodies before it calls this app', () => {
  it.each([
    ['a JSON body with access_token', (test: request.Test) => test.send({ access_token: 'x' })],
    ['a form with access_token', (test: request.Test) => test.type('form').send({ access_token: 'x' })],
  ])('does not break a valid token, with %s', async (_name, send) => {
    const accessToken = system.emulator.accessToken({ user: system.emulator.addUser() });
    const response = await send(
      request(host).post('/acs/api/token').set('Authorization', `Bearer ${accessToken}`),
    );
    expect(response.status).toBe(200);
  });

  it('does not make a token in a body replace the header', async () => {
    const access_token = system.emulator.accessToken({ user: system.emulator.addUser() });
    const response = await request(host).post('/acs/api/token').send({ access_token });
    expect({ status: response.status, code: response.headers['x-ms-error-code'] }).toEqual({
      status: 401,
      code: 'missing_token',
    });
  });
});
