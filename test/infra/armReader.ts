import type { Json } from './armExpression';
import type { JsonObject, StoredResource, StoredTemplate } from './infraFiles';

/** The last part of a resource's name, such as `logs` of `[format('{0}/{1}', parameters('webAppName'), 'logs')]`. */
export function lastNamePart({ name }: StoredResource): string {
  return /'([^']+)'\)\]$/.exec(name)?.[1] ?? '';
}

/** The key of a resource's schema: its type and version, and its name if the type has a schema for each name. */
export function keyOf(resource: StoredResource): string {
  const key = `${resource.type}@${resource.apiVersion}`;
  return resource.type === 'Microsoft.Web/sites/config' ? `${key} ${lastNamePart(resource)}` : key;
}

/** The app settings of a web app or slot, as expressions. */
export function appSettingsOf(template: StoredTemplate, resource: string): Map<string, string> {
  const { siteConfig } = template.resources[resource]?.properties as { siteConfig: JsonObject };
  const settings = siteConfig.appSettings as { name: string; value: string }[];
  return new Map(settings.map(({ name, value }) => [name, value]));
}

/** All places in a value that are text. */
export function textsIn(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, each]) => [name, ...textsIn(each)]);
}
