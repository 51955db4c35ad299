/** A value in a template: JSON, with expressions of the template language at any place. */
export type Expression =
  | Literal
  | Formula
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [Literal | Formula, Expression])[] };

export interface Literal {
  readonly kind: 'literal';
  readonly value: string | number | boolean | null;
}

export interface Formula {
  readonly kind: 'formula';
  readonly text: string;
}

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export const formula = (text: string): Formula => ({ kind: 'formula', text });
export const literal = (value: Literal['value']): Literal => ({ kind: 'literal', value });
export const call = (name: string, ...args: readonly Expression[]): Formula =>
  formula(`${name}(${args.map(toFormula).join(', ')})`);

/** The value within an expression. */
export function toFormula(expression: Expression): string {
  switch (expression.kind) {
    case 'formula':
      return expression.text;
    case 'array':
      return toFormula(call('createArray', ...expression.items));
    case 'object':
      return toFormula(call('createObject', ...expression.entries.flat()));
    case 'literal': {
      const { value } = expression;
      if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
      return typeof value === 'number' ? `${value}` : `${value}()`;
    }
  }
}

/** The value in the JSON of a template. */
export function toJson(expression: Expression): Json {
  switch (expression.kind) {
    case 'array':
      return expression.items.map(toJson);
    case 'object':
      return Object.fromEntries(
        expression.entries.map(([name, value]) => [`${toScalar(name)}`, toJson(value)]),
      );
    default:
      return toScalar(expression);
  }
}

function toScalar(expression: Literal | Formula): Literal['value'] {
  if (expression.kind === 'formula') return `[${expression.text}]`;
  const { value } = expression;
  // Two brackets at the start are text that starts with one.
  return typeof value === 'string' && value.startsWith('[') ? `[${value}` : value;
}
