import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createClientCertificate } from '../../emulator/certificates/clientCertificate';
import { errorCodes } from '../../src/errors';
import { callsDuring } from '../support/calls';
import { sendRaw } from '../support/rawBytes';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterAll(() => system.stop());

const browsersAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
  version: string;
};

describe('the root', () => {
  const health = { live: '/health/live', ready: '/health/ready' };
  const docs = { documentation: '/docs', openapi: '/openapi.json' };
  const errors = { ERROR_DOCUMENTATION_URL: 'https://docs.contoso.example/errors' };

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['all pages', {}, { ...docs, errors: '/docs/errors', ...health }],
    ['health only, without /docs', { API_DOCS: 'off' }, health],
    [
      'the operator’s own page',
      { API_DOCS: 'off', ...errors },
      { errors: errors.ERROR_DOCUMENTATION_URL, ...health },
    ],
  ])('says what the server is, and links to %s', async (_links, settings, links) => {
    const server = await startReadyServer(system, settings);
    const { status, body, headers } = await server.call('get', '/');
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        name: 'ACS authentication server',
        description: expect.stringMatching(/bearer token/),
        version,
        links,
      },
    });
    expect(headers.vary).toBe('Accept');
    for (const link of Object.values(links).filter((target) => target.startsWith('/'))) {
      expect([link, (await server.call('get', link)).status]).toEqual([link, expect.any(Number)]);
      expect((await server.call('get', link)).status).not.toBe(404);
    }
  });

  it('is a page for a browser, with the same links and safe headers', async () => {
    const { status, type, text, headers } = await system.call('get', '/').set('Accept', browsersAccept);
    expect({ status, type }).toEqual({ status: 200, type: 'text/html' });
    expect(text).toContain('<a href="/docs/errors">errors</a>');
    expect(text).not.toMatch(/<style|<script|style=|https?:/);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    });
  });

  it('has nothing secret, and needs no token and no upstream', async () => {
    let text = '';
    const made = await callsDuring(system.emulator, async () => ({ text } = await system.call('get', '/')));
    expect(made).toEqual({});
    const { COMMUNICATION_SERVICES_CONNECTION_STRING: connection = '', ...settings } =
      system.emulator.settings();
    for (const value of [...Object.values(settings), connection.replace(/.*accesskey=/, '')])
      expect(text).not.toContain(value);
  });

  it('has no body for HEAD, and no other method', async () => {
    const head = await system.call('head', '/');
    expect({ status: head.status, type: head.type, text: head.text }).toEqual({
      status: 200,
      type: 'application/json',
      text: undefined,
    });
    const { status, headers } = await system.call('post', '/');
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET' });
  });
});

describe('the documentation of an error', () => {
  const linkOf = async (server: TestServer) =>
    ((await server.call('get', '/nothing')).body as { error: { documentation?: string } }).error
      .documentation;

  it('is a section of a page of this server', async () => {
    expect(await linkOf(system)).toBe('/docs/errors#not_found');
    const { status, type, text, headers } = await system.call('get', '/docs/errors');
    expect({ status, type }).toEqual({ status: 200, type: 'text/html' });
    expect(headers['cache-control']).toBe('public, max-age=300');
    const anchors = [...text.matchAll(/ id="([^"]+)"/g)].map(([, anchor = '']) => anchor);
    expect(anchors).toEqual(expect.arrayContaining(Object.keys(errorCodes)));
    // Links lead to this page or to another site, never to a document that is not served.
    const targets = [...text.matchAll(/<a href="([^"]+)"/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !target.startsWith('https:'))).toEqual(
      targets.filter((target) => target.startsWith('#') && anchors.includes(target.slice(1))),
    );
    expect(text).not.toMatch(/<style|<script|style=/);
  });

  it.each([
    ['absent if the server has no such page', { API_DOCS: 'off' }, undefined],
    ['absent in production', { NODE_ENV: 'production' }, undefined],
    [
      'on the page that the operator names',
      { NODE_ENV: 'production', ERROR_DOCUMENTATION_URL: 'https://docs.contoso.example/errors' },
      'https://docs.contoso.example/errors#not_found',
    ],
  ])('is %s', async (_where, settings, expected) => {
    expect(await linkOf(await system.startAnother(settings))).toBe(expected);
  });

  it('is named for malformed HTTP too', async () => {
    const reply = await sendRaw(system.url, 'GET / HTTP/1.1\r\nbroken\r\n\r\n');
    expect(reply).toContain('"documentation":"/docs/errors#invalid_request"');
  });
});

describe('a body that is not JSON, at the exchange of a Teams token', () => {
  const path = '/api/token/teams';
  const expected = 'Send application/json. Expected: {"teamsUserAadToken": "<token>"}';
  const accessToken = () => system.emulator.accessToken({ user: 'carol' });

  it.each([
    ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded'],
    ['text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
    [`x/${'y'.repeat(100)}`, `x/${'y'.repeat(38)}...`],
  ])('is named: %s', async (type, shown) => {
    const { status, body } = await system
      .call('post', path, accessToken())
      .set('Content-Type', type)
      .send(`teamsUserAadToken=${system.emulator.teamsToken()}`);
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        error: {
          code: 'teams_token_missing',
          message: `The Content-Type "${shown}" is not supported. ${expected}`,
          target: 'teamsUserAadToken',
          documentation: '/docs/errors#teams_token_missing',
        },
      },
    });
  });

  it('does not matter if the token is in the header', async () => {
    const { status } = await system
      .call('post', path, accessToken())
      .set('teams-user-aad-token', system.emulator.teamsToken())
      .type('form')
      .send('a=b');
    expect(status).toBe(200);
  });
});

describe('a service whose certificate is not trusted', () => {
  it('is named in the log with the remedy, without a stack', async () => {
    const { certificate: cert, privateKey: key } = await createClientCertificate();
    const otherServer = createServer({ cert, key }).listen(0, '127.0.0.1');
    await once(otherServer, 'listening');
    const url = `https://127.0.0.1:${(otherServer.address() as AddressInfo).port}`;
    const server = await system.startAnother({ AZURE_AUTHORITY_HOST: url });
    await until(() => server.rawLog.some((line) => line.includes('cannot load the metadata')));
    const reply = await server.call('get', '/api/token', system.emulator.accessToken());
    expect(reply.body.error.code).toBe('upstream_unavailable');
    const failures = server.rawLog.filter((line) => line.includes('DEPTH_ZERO_SELF_SIGNED_CERT'));
    expect(failures.length).toBeGreaterThan(1);
    for (const line of failures) {
      expect(line).toContain(`no usable response from ${url}`);
      expect(line).toContain('NODE_EXTRA_CA_CERTS');
      expect(line).not.toMatch(/"stack"|\.ts:\d/);
    }
    await server.stop();
    otherServer.close();
  });
});
