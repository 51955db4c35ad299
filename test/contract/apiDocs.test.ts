import express from 'express';
import request from 'supertest';
import { createApiDocs } from '../../src/http/apiDocs/apiDocs';
import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterAll(() => system.stop());

const remote = /\b(?:https?:)?\/\/(?!www\.w3\.org\/)/;

describe('the description of the API', () => {
  it('is JSON with the sign-in URLs of this server', async () => {
    const { emulator } = system;
    const { status, type, headers, body } = await system.call('get', '/openapi.json');
    expect({ status, type }).toEqual({ status: 200, type: 'application/json' });
    expect(headers['cache-control']).toBe('public, max-age=300');
    expect(body.openapi).toMatch(/^3\.1\./);
    expect(body.servers).toEqual([{ url: '/' }]);
    const { authorizationCode } = body.components.securitySchemes.entra.flows;
    const tenantUrl = `${emulator.url}/${emulator.tenantId}/oauth2/v2.0`;
    const scope = `${emulator.authServer.appIdUri}/access_as_user`;
    expect(authorizationCode).toEqual({
      authorizationUrl: `${tenantUrl}/authorize`,
      tokenUrl: `${tenantUrl}/token`,
      refreshUrl: `${tenantUrl}/token`,
      scopes: { [scope]: expect.any(String) },
    });
    expect(body.security).toEqual([{ entra: [scope] }, { accessToken: [] }]);
  });

  it.each(['/docs', '/docs/'])('is a page at %s, with all assets from this server', async (path) => {
    const { status, type, headers, text } = await system.call('get', path);
    expect({ status, type }).toEqual({ status: 200, type: 'text/html' });
    expect(headers['cache-control']).toBe('public, max-age=300');
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; ` +
        `connect-src 'self' ${system.emulator.url}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(text).not.toMatch(remote);
    expect(text).not.toMatch(/<style|\son\w+=|<script(?! src="\/docs\/[\w-]+\.js"><\/script>)/);

    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files).toHaveLength(6);
    for (const file of files) {
      const response = await system.call('get', file);
      expect([file, response.status]).toEqual([file, 200]);
      expect(response.headers['cache-control']).toBe('public, max-age=300');
    }
  });

  it.each([
    ['/docs/start.js', 'text/javascript'],
    ['/docs/viewer.css', 'text/css'],
    ['/docs/errors.css', 'text/css'],
    ['/docs/swagger-ui.css', 'text/css'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript'],
    ['/docs/oauth2-redirect.html', 'text/html'],
    ['/docs/oauth2-redirect.js', 'text/javascript'],
  ])('has the file %s', async (path, mediaType) => {
    const { status, type } = await system.call('get', path);
    expect({ status, type }).toEqual({ status: 200, type: mediaType });
  });

  it.each(['/docs/index.html', '/docs/package.json', '/docs/swagger-ui.js', '/docs/../package.json'])(
    'has no file %s',
    async (path) => {
      const { status, headers, body } = await system.call('get', path);
      expect({ status, code: body.error.code }).toEqual({ status: 404, code: 'not_found' });
      expect(headers['cache-control']).toBe('no-store');
    },
  );

  it.each([
    ['Range', 'bytes=999999999-'],
    ['If-Match', '"another"'],
    ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ])('refuses a condition that a file does not meet: %s', async (name, value) => {
    const { status, headers, body } = await system.call('get', '/docs/swagger-ui.css').set(name, value);
    expect({ status, error: body.error }).toEqual({
      status: 400,
      error: {
        code: 'invalid_request',
        message: expect.stringContaining(name),
        documentation: '/docs/errors#invalid_request',
      },
    });
    expect(headers['cache-control']).toBe('no-store');
  });

  it.each([
    ['on', {}, 200],
    ['off in production', { NODE_ENV: 'production' }, 404],
    ['on in production with API_DOCS=on', { NODE_ENV: 'production', API_DOCS: 'on' }, 200],
    ['off with API_DOCS=off', { API_DOCS: 'off' }, 404],
  ])('is %s', async (_when, settings, expected) => {
    const server = await system.startAnother(settings);
    for (const path of ['/openapi.json', '/docs', '/docs/start.js', '/docs/errors']) {
      const { status } = await server.call('get', path);
      expect([path, status]).toEqual([path, expected]);
    }
  });
});

it('works under any path on which the app is mounted', async () => {
  const host = express();
  host.use(
    '/acs',
    createApiDocs({
      variables: {
        signIn: { authorityHost: 'https://localhost', tenantId: 't', clientId: 'c' },
        teamsExchange: true,
      },
      requiredScope: 'scope',
      signInClientId: 'spa',
    }),
  );
  const page = await request(host).get('/acs/docs');
  const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
  expect(files).toHaveLength(6);
  for (const file of files)
    expect({ file, status: (await request(host).get(file)).status }).toEqual({ file, status: 200 });
  const { body } = await request(host).get('/acs/openapi.json');
  expect(body.servers).toEqual([{ url: '/acs' }]);
  const start = (await request(host).get('/acs/docs/start.js')).text;
  expect(start).toContain('"scopes":["api://c/scope"],"clientId":"spa"');
  expect((await request(host).get('/acs/docs/errors')).text).toContain('href="/acs/docs/errors.css"');
});
