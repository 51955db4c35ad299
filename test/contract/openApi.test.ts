import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestHandler } from 'express';
import { errorCodes } from '../../src/errors';
import { createRoutes } from '../../src/http/routes';
import { startSystem, type System } from '../support/startSystem';
import { assertMatchesOpenApi } from '../support/assertMatchesOpenApi';
import type { ApiResponse } from './openApiMismatch';
import {
  methods,
  readOpenApiDocument,
  resolve,
  type ResponseObject,
  type Responses,
} from './openApiDocument';

const document = readOpenApiDocument();
const { unknownPath, otherMethod } = document['x-other-responses'];

/** All responses in the document, with their status and error codes. */
const replies = [
  ...Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => responsesOf(`${method} ${path}`, item[method]?.responses ?? {})),
  ),
  ...responsesOf('unknown path', unknownPath),
  ...responsesOf('other method', otherMethod),
];
const errorResponses = replies.filter(({ codes }) => codes.length > 0);

function responsesOf(where: string, responses: Responses) {
  return Object.entries(responses).map(([status, part]) => {
    const response = resolve<ResponseObject>(document, part);
    const header = response.headers?.['x-ms-error-code'];
    const { enum: codes = [] } = (header ? resolve(document, header).schema : {}) as { enum?: string[] };
    const examples = Object.entries(response.content?.['application/json']?.examples ?? {});
    return { name: `${where} ${status}`, status: Number(status), codes, examples };
  });
}

describe('openapi.yaml', () => {
  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(document.info.version).toBe(version);
  });

  it('has exactly the error codes of the server', () => {
    expect(document.components.schemas.ErrorCode?.enum).toEqual(Object.keys(errorCodes));
    expect(new Set(errorResponses.flatMap(({ codes }) => codes))).toEqual(new Set(Object.keys(errorCodes)));
  });

  it('gives each code its status', () => {
    const statuses = errorResponses.flatMap(({ name, status, codes }) =>
      codes.map((code) => ({ name, code, status })),
    );
    expect(statuses).toEqual(
      statuses.map((each) => ({ ...each, status: errorCodes[each.code as keyof typeof errorCodes] })),
    );
  });

  it('shows an example of each code', () => {
    const shown = errorResponses.map(({ name, examples }) => ({
      name,
      codes: examples.map(([, example]) => errorCodeOf(resolve(document, example).value)),
    }));
    expect(shown).toEqual(errorResponses.map(({ name, codes }) => ({ name, codes })));
  });

  it.each([
    ['/getToken', '/api/token'],
    ['/exchangeToken', '/api/token/teams'],
  ])('describes %s and %s in the same way', (name, resource) => {
    expect(withoutNames(document.paths[name])).toEqual(withoutNames(document.paths[resource]));
  });

  it('describes both paths of the deletion identically', () => {
    const [name, resource] = [document.paths['/deleteUser'], document.paths['/api/user']];
    expect(withoutNames({ delete: name?.delete })).toEqual(withoutNames({ delete: resource?.delete }));
  });

  describe('has the routes of the server:', () => {
    let system: System;
    beforeAll(async () => (system = await startSystem()));
    afterAll(() => system.stop());

    const ignored: RequestHandler = () => undefined;
    const router = createRoutes({
      token: { issueToken: ignored, exchangeTeamsToken: ignored },
      user: { findUser: ignored, findOrCreateUser: ignored, deleteUser: ignored },
      guards: [ignored],
      administration: { controller: { findUser: ignored, eraseUser: ignored }, guards: [ignored] },
    });

    it('exactly these', () => {
      const routes = router.stack.flatMap(({ route }) =>
        route ? [route.path.replace(/:(\w+)/g, '{$1}')] : [],
      );
      expect([...routes, '/', '/health/live', '/health/ready'].sort()).toEqual(
        Object.keys(document.paths).sort(),
      );
    });

    it.each(Object.keys(document.paths))('%s, with its methods', async (path) => {
      const { status, headers } = await system.call('put', path);
      const documented = methods.filter((method) => document.paths[path]?.[method]);
      expect({ status, allow: headers.allow }).toEqual({
        status: 405,
        allow: documented.join(', ').toUpperCase(),
      });
    });
  });
});

function errorCodeOf(body: unknown): string | undefined {
  return (body as { error?: { code?: string } }).error?.code;
}

function withoutNames(item: object | undefined): unknown {
  return JSON.parse(
    JSON.stringify(item, (key, value: unknown) =>
      ['operationId', 'summary', 'tags'].includes(key) ? undefined : value,
    ),
  );
}

describe('the check of responses against openapi.yaml', () => {
  const common = {
    'x-ms-request-id': '0f9a1d0e-6a0e-4f0f-8a55-5a2c9b1f6f11',
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
  };
  const user = { communicationUserId: '8:acs:1_2' };
  const good = { token: 'a', expiresOn: '2030-01-31T12:00:00.000Z', user };
  const reply = (status: number, body: unknown, headers: Record<string, string> = {}): ApiResponse => ({
    status,
    headers: { ...common, ...headers },
    text: body === undefined ? '' : JSON.stringify(body),
  });
  const refusal = (status: number, code: string, headers: Record<string, string> = {}): ApiResponse =>
    reply(status, { error: { code, message: 'why' } }, { 'x-ms-error-code': code, ...headers });
  const challenge = { 'www-authenticate': 'Bearer realm="api://1"' };

  it.each<[string, string, string, ApiResponse]>([
    ['a token', 'get', '/getToken', reply(200, good)],
    ['a token, with a path in upper case and a trailing slash', 'post', '/GETTOKEN/?x=1', reply(200, good)],
    ['an error', 'get', '/getToken', refusal(401, 'missing_token', challenge)],
    ['no content', 'delete', '/api/user', reply(204, undefined)],
    ['an unknown address', 'get', '/nothing', refusal(404, 'not_found')],
    ['another method', 'put', '/getToken', refusal(405, 'method_not_allowed', { allow: 'GET, POST' })],
    ['OPTIONS', 'options', '/getToken', reply(204, undefined, { allow: 'GET, POST' })],
    ['HEAD for health', 'head', '/health/live', reply(200, undefined)],
  ])('is distinguished from an allowed one: %s', (_name, method, path, allowed) => {
    expect(() => assertMatchesOpenApi(method, path, allowed)).not.toThrow();
  });

  it.each<[string, string, string, ApiResponse]>([
    ['an undocumented status', 'get', '/getToken', reply(206, good)],
    ['an undocumented path', 'get', '/nothing', reply(200, good)],
    ['an undocumented method', 'put', '/getToken', reply(200, good)],
    ['a missing property', 'get', '/getToken', reply(200, { token: 'a', user })],
    ['an extra property', 'get', '/getToken', reply(200, { ...good, more: 1 })],
    ['an extra nested property', 'get', '/getToken', reply(200, { ...good, user: { ...user, more: 1 } })],
    ['a property of another type', 'get', '/getToken', reply(200, { ...good, expiresOn: 'soon' })],
    ['a missing header', 'get', '/getToken', reply(200, good, { 'cache-control': '' })],
    ['a malformed header', 'get', '/getToken', reply(200, good, { 'x-ms-request-id': '1' })],
    ['an undocumented header', 'get', '/getToken', reply(200, good, { 'retry-after': '1' })],
    ['another media type', 'get', '/getToken', reply(200, good, { 'content-type': 'text/html' })],
    ['an unexpected body', 'delete', '/api/user', reply(204, good)],
    ['an unknown code', 'get', '/getToken', refusal(401, 'odd', challenge)],
    ['a code of another operation', 'get', '/getToken', refusal(400, 'teams_token_missing')],
    ['a code of another status', 'get', '/getToken', refusal(401, 'not_found', challenge)],
    ['a missing challenge', 'get', '/getToken', refusal(401, 'missing_token')],
    [
      'a header that contradicts the body',
      'get',
      '/getToken',
      { ...refusal(401, 'missing_token', { ...challenge, 'x-ms-error-code': 'invalid_token' }) },
    ],
    ['a 405 without Allow', 'put', '/getToken', refusal(405, 'method_not_allowed')],
  ])('is noticed: %s', (_name, method, path, refused) => {
    expect(() => assertMatchesOpenApi(method, path, refused)).toThrow('does not match openapi.yaml');
  });
});
