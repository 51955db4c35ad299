import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startReadySystem } from '../support/readySystem';
import { type System } from '../support/startSystem';
import { readCollectionRequests } from './postmanCollection';

interface FileRequest {
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

const [, ...parts] = readFileSync(join(__dirname, '..', '..', 'requests.http'), 'utf8').split(/^### /m);
const requests = parts.map(parseRequest);

/** The common format of REST clients: request line, headers, empty line, body. */
function parseRequest(part: string): FileRequest {
  const [head = '', ...body] = part.split('\n\n');
  const [name = '', line = '', ...headerLines] = head.trim().split('\n');
  const [method = '', url = ''] = line.split(' ');
  const headers = headerLines.map((header) => [
    header.slice(0, header.indexOf(':')),
    header.slice(header.indexOf(':') + 1).trim(),
  ]);
  return {
    name,
    method,
    path: url.replace('{{baseUrl}}', '').replace(/\{(\{\w+\})\}/g, '$1'),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: body.join('\n\n').trim(),
  };
}

const errorStatuses: Record<string, number> = {
  'Without an access token': 401,
  'With a malformed token': 401,
  'Without a Teams token': 400,
  'With an unsupported method': 405,
  'At an unknown path': 404,
  'Find any user': 501,
  'Erase any user permanently': 501,
};

describe('requests.http', () => {
  let system: System;
  beforeAll(async () => (system = await startReadySystem()));
  afterAll(() => system.stop());

  it('has the requests of the Postman collection', () => {
    const calls = (all: { method: string; path: string }[]) =>
      [...new Set(all.map(({ method, path }) => `${method} ${path}`))].sort();
    expect(calls(requests)).toEqual(calls(readCollectionRequests()));
  });

  it.each(requests)('has a working request: $name', async ({ name, method, path, headers, body }) => {
    const { emulator } = system;
    const filled = (text: string) =>
      text
        .replace('{{accessToken}}', emulator.accessToken({ user: 'carol' }))
        .replace('{{teamsUserAadToken}}', emulator.teamsToken({ user: 'carol' }))
        .replace('{{administratorToken}}', emulator.administratorToken())
        .replace('{objectId}', emulator.users.carol.objectId);
    const call = system.call(method.toLowerCase() as 'get', filled(path));
    for (const [header, value] of Object.entries(headers)) void call.set(header, filled(value));
    const { status } = await (body === '' ? call : call.send(filled(body)));
    const expected = errorStatuses[name] === undefined ? [200, 201, 204] : [errorStatuses[name]];
    expect(expected).toContain(status);
  });
});
