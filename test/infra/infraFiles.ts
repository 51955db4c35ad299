import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../docs/markdown';
import type { Json } from './armExpression';

export type JsonObject = Record<string, Json>;

export const inInfra = (...names: string[]) => join(projectRoot, 'infra', ...names);

export interface StoredResource {
  readonly type: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly condition?: string;
  readonly kind?: string;
  readonly scope?: string;
  readonly dependsOn?: string[];
  readonly properties?: JsonObject;
}

export interface StoredTemplate {
  readonly languageVersion: string;
  readonly parameters: Record<string, { type: string; defaultValue?: string; allowedValues?: string[] }>;
  readonly variables: Record<string, string>;
  readonly resources: Record<string, StoredResource>;
  readonly outputs: Record<string, { type: string; value: string }>;
}

/** The template of the "Deploy to Azure" button. */
export function readArmTemplate(): StoredTemplate {
  return JSON.parse(readFileSync(inInfra('azuredeploy.json'), 'utf8')) as StoredTemplate;
}
