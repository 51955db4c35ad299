/** The format of a resource's schema in publishedSchemas.ts. Every value may also be an expression, as in the published files. */
export interface PublishedSchema {
  /** The file in that repository, below schemas/. */
  readonly source: string;
  readonly schema: object;
}

export const text = { type: 'string' };
const expression = { type: 'string', pattern: '^\\[.+\\]$' };
export const orExpression = (schema: object) => ({ anyOf: [schema, expression] });
export const flag = orExpression({ type: 'boolean' });
export const whole = orExpression({ type: 'integer' });
export const between = (minimum: number, maximum: number) =>
  orExpression({ type: 'integer', minimum, maximum });
export const oneOf = (...values: string[]) => orExpression({ enum: values });
export const listOf = (items: object) => orExpression({ type: 'array', items });
export const object = (properties: Record<string, object>, ...required: string[]) =>
  orExpression({ type: 'object', properties, required, additionalProperties: false });
export const named = (pattern: string) => orExpression({ type: 'string', pattern });
export const tags = orExpression({ type: 'object', additionalProperties: text });

export function resource(
  source: string,
  properties: object | undefined,
  more: Record<string, object> = {},
  ...required: string[]
): PublishedSchema {
  const own = properties ? { properties } : {};
  return {
    source,
    schema: {
      type: 'object',
      // The properties that every resource of a template may have.
      properties: {
        '@options': { type: 'object', properties: { onlyIfNotExists: { type: 'boolean' } } },
        condition: flag,
        type: text,
        apiVersion: text,
        name: text,
        scope: expression,
        dependsOn: { type: 'array', items: text },
        ...own,
        ...more,
      },
      required: ['type', 'apiVersion', 'name', ...Object.keys(own), ...required],
      additionalProperties: false,
    },
  };
}
