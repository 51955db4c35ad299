import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './armExpression';
import { projectRoot } from '../docs/markdown';

export type JsonObject = Record<string, Json>;

export const inInfra = (...names: string[]) => join(projectRoot, 'infra', ...names);

export interface StoredTemplate {
  readonly languageVersion: string;
  readonly parameters: Record<string, JsonObject>;
  readonly variables: JsonObject;
  readonly resources: Record<string, JsonObject>;
  readonly outputs: Record<string, JsonObject>;
}

/** The template of the "Deploy to Azure" button. */
export function readArmTemplate(): StoredTemplate {
  return JSON.parse(readFileSync(inInfra('azuredeploy.json'), 'utf8')) as StoredTemplate;
}
