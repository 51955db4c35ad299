import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '..', '..', 'docs', 'postman');

export const collectionFile = join(folder, 'acs-authentication-server.postman_collection.json');
export const environmentFile = (name: 'emulator' | 'azure') =>
  join(folder, `${name}.postman_environment.json`);

/** The parts of a Postman collection that the tests use: requests and folders. */
interface Item {
  name: string;
  item?: Item[];
  request?: { method: string; url: { raw: string }; header: { key: string }[] };
}

export interface CollectionRequest {
  name: string;
  method: string;
  path: string;
  headers: string[];
}

export function readCollectionRequests(): CollectionRequest[] {
  const { item } = JSON.parse(readFileSync(collectionFile, 'utf8')) as { item: Item[] };
  return item.flatMap(requestsOf);
}

function requestsOf({ name, item = [], request }: Item): CollectionRequest[] {
  if (!request) return item.flatMap(requestsOf);
  const { method, url, header } = request;
  // A variable in the path is a parameter of openapi.yaml.
  const path = url.raw.replace('{{baseUrl}}', '').replace(/\{(\{\w+\})\}/g, '$1');
  return [{ name, method, path, headers: header.map(({ key }) => key) }];
}

export function readEnvironment(name: 'emulator' | 'azure'): Record<string, string> {
  const { values } = JSON.parse(readFileSync(environmentFile(name), 'utf8')) as {
    values: { key: string; value: string }[];
  };
  return Object.fromEntries(values.map(({ key, value }) => [key, value]));
}
