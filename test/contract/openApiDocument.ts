import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The parts of an OpenAPI document that the tests use. */
export interface OpenApiDocument {
  info: { version: string };
  paths: Record<string, PathItem>;
  components: {
    headers: Record<string, HeaderObject>;
    responses: Record<string, ResponseObject>;
    schemas: Record<string, JsonSchema>;
    examples: Record<string, Example>;
  };
  /** Responses outside the documented operations. */
  'x-other-responses': Record<'unknownPath' | 'otherMethod' | 'options', Responses>;
}

export type JsonSchema = Record<string, unknown>;
export type Responses = Record<string, ResponseObject | Reference>;
export type PathItem = Partial<Record<string, Operation>>;

export interface Operation {
  operationId: string;
  responses: Responses;
}

export interface ResponseObject {
  headers?: Record<string, HeaderObject | Reference>;
  content?: Record<string, MediaType>;
}

export interface MediaType {
  schema: JsonSchema;
  example?: unknown;
  examples?: Record<string, Example | Reference>;
}

export interface HeaderObject {
  required?: boolean;
  schema: JsonSchema;
}

export interface Example {
  value: unknown;
}

export interface Reference {
  $ref: string;
}

export const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

export function readOpenApiDocument(): OpenApiDocument {
  return parse(readFileSync(join(__dirname, '..', '..', 'openapi.yaml'), 'utf8')) as OpenApiDocument;
}

/** Resolves a $ref. */
export function resolve<T extends object>(document: OpenApiDocument, part: T | Reference): T {
  if (!('$ref' in part)) return part;
  let target: unknown = document;
  for (const name of part.$ref.replace(/^#\//, '').split('/')) {
    target = (target as Record<string, unknown> | undefined)?.[
      name.replaceAll('~1', '/').replaceAll('~0', '~')
    ];
  }
  if (typeof target !== 'object' || target === null)
    throw new Error(`openapi.yaml has nothing at ${part.$ref}`);
  return target as T;
}
