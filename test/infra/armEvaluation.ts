import { randomUUID } from 'node:crypto';
import type { StoredTemplate } from './infraFiles';

type Value = unknown;

/** The properties of deployed resources. */
const deployed: Readonly<Record<string, Record<string, string>>> = {
  identity: {
    clientId: '44444444-0000-4000-8000-000000000004',
    principalId: '33333333-0000-4000-8000-000000000003',
  },
  communication: { hostName: 'contoso.communication.azure.com' },
  insights: { ConnectionString: 'InstrumentationKey=00000000-0000-4000-8000-000000000000' },
};

const resourceGroup = { id: '/subscriptions/s/resourceGroups/g', location: 'westeurope' };
const subscription = { tenantId: '11111111-0000-4000-8000-000000000001' };
const suffixes = { storage: 'core.windows.net', keyvaultDns: '.vault.azure.net' };

/** The value of a text in a template. Supports the functions that the app settings use, and throws for any other. */
export function evaluate(template: StoredTemplate, given: Record<string, string>, text: string): string {
  if (!text.startsWith('[') || text.startsWith('[[')) return text;
  const tokens = [...text.slice(1, -1).matchAll(/\s*('(?:[^']|'')*'|[A-Za-z]\w*|\d+|[(),.])/g)].map(
    ([, token = '']) => token,
  );
  let position = 0;
  const peek = () => tokens[position];
  const next = () => tokens[position++] ?? '';
  const textOf = (value: Value): string =>
    typeof value === 'string' ? value : fail(`expected text: ${JSON.stringify(value)}`);

  const functions: Record<string, (...args: Value[]) => Value> = {
    parameters: (name) =>
      given[textOf(name)] ?? evaluate(template, given, template.parameters[textOf(name)]?.defaultValue ?? ''),
    variables: (name) => evaluate(template, given, template.variables[textOf(name)] ?? ''),
    reference: (name) => deployed[textOf(name)] ?? fail(`${String(name)} is not known`),
    resourceGroup: () => resourceGroup,
    subscription: () => subscription,
    environment: () => ({ suffixes }),
    uniqueString: () => 'abcdefghijklm',
    newGuid: () => randomUUID(),
    base64: (value) => Buffer.from(textOf(value)).toString('base64'),
    format: (pattern, ...args) =>
      textOf(pattern).replaceAll(/\{(\d)\}/g, (_, index: string) => textOf(args[Number(index)])),
    if: (condition, then, otherwise) => (isTrue(condition) ? then : otherwise),
    equals: (a, b) => a === b,
    not: (value) => !isTrue(value),
    empty: (value) => value === '',
  };

  function value(): Value {
    const token = next();
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    const args: Value[] = [];
    if (next() !== '(') fail(`expected ( after ${token}`);
    while (peek() !== ')') {
      args.push(value());
      if (peek() === ',') next();
    }
    next();
    let result = (functions[token] ?? fail(`${token}() is not supported`))(...args);
    while (peek() === '.') {
      next();
      const name = next();
      result = (result as Record<string, Value>)[name] ?? fail(`there is no ${name}`);
    }
    return result;
  }
  return String(value());
}

const isTrue = (value: Value) => value === true || value === 'true';

function fail(message: string): never {
  throw new Error(message);
}
