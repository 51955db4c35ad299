import type { Node } from 'web-tree-sitter';
import {
  call,
  type Expression,
  type Formula,
  formula,
  type Json,
  type Literal,
  literal,
  toFormula,
  toJson,
} from './armExpression';
import { type Declaration, declarationsOf, part, parts } from './bicepSyntax';

export interface ArmTemplate {
  readonly parameters: Record<string, Json>;
  readonly variables: Record<string, Json>;
  readonly resources: Record<string, Record<string, Json>>;
  readonly outputs: Record<string, Json>;
}

/**
 * Compiles a file like the Bicep compiler, for the part of the language that infra/app.bicep uses: no loops, modules, or user-defined types
 * and functions. Anything else is an error, never ignored. Resources have symbolic names (languageVersion 2.0).
 */
export function bicepToArm(root: Node): ArmTemplate {
  return new Translation(declarationsOf(root)).template();
}

interface Resource {
  readonly type: string;
  readonly apiVersion: string;
  readonly condition: Node | undefined;
  readonly body: ReadonlyMap<string, Node>;
}

const operators: Readonly<Record<string, string>> = { '==': 'equals', '&&': 'and', '||': 'or' };
const jsonTypes: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'bool',
  int: 'int',
  object: 'object',
};

class Translation {
  readonly #declarations: ReadonlyMap<string, Declaration>;

  constructor(private readonly all: readonly Declaration[]) {
    this.#declarations = new Map(
      all.filter(({ kind }) => kind !== 'output').map((each) => [each.name, each]),
    );
  }

  template(): ArmTemplate {
    const each = <T>(kind: Declaration['kind'], translate: (declaration: Declaration) => T) =>
      Object.fromEntries(
        this.all
          .filter((declaration) => declaration.kind === kind)
          .map((declaration): [string, T] => [declaration.name, translate(declaration)]),
      );
    const variables = this.all.filter(({ kind, node }) => kind === 'variable' && !this.#isRuntime(node));
    return {
      parameters: each('parameter', (declaration) => this.#parameter(declaration)),
      variables: Object.fromEntries(
        variables.map(({ name, node }) => [name, toJson(this.#expression(part(node, 1)))]),
      ),
      resources: each('resource', (declaration) => this.#resource(declaration)),
      outputs: each('output', ({ node }) => ({
        type: typeOf(part(node, 1)),
        value: toJson(this.#expression(part(node, 2))),
      })),
    };
  }

  #parameter({ node, decorators }: Declaration): Json {
    const type = typeOf(part(node, 1));
    const argument = (name: string): Json | undefined => {
      const [value] = decorators.get(name) ?? [];
      return value && toJson(this.#expression(value));
    };
    const [, , defaultValue] = parts(node);
    const description = argument('description');
    return defined({
      type: decorators.has('secure') ? `secure${type}` : type,
      defaultValue: defaultValue && toJson(this.#expression(defaultValue)),
      allowedValues: argument('allowed'),
      minLength: argument('minLength'),
      maxLength: argument('maxLength'),
      metadata: description === undefined ? undefined : { description },
    });
  }

  #resource(declaration: Declaration): Record<string, Json> {
    const { type, apiVersion, condition, body } = this.#resourceParts(declaration);
    const { parent, scope, dependsOn, ...properties } = Object.fromEntries(body);
    const needed = this.#resourcesIn(declaration.node, new Set());
    needed.delete(declaration.name);
    const segments = this.#nameSegments(declaration);
    const [ownName] = segments;
    const explicit = dependsOn ? parts(dependsOn).map(({ text }) => text) : [];
    const all = [...new Set([...(parent ? [parent.text] : []), ...explicit, ...needed])].sort();
    return defined({
      '@options': declaration.decorators.has('onlyIfNotExists') ? { onlyIfNotExists: true } : undefined,
      condition: condition && toJson(this.#expression(condition)),
      type,
      apiVersion,
      scope: scope && toJson(this.#resourceId(scope.text)),
      name:
        segments.length === 1 && ownName
          ? toJson(ownName)
          : toJson(call('format', literal(segments.map((_, index) => `{${index}}`).join('/')), ...segments)),
      ...Object.fromEntries(
        Object.entries(properties)
          .filter(([name]) => name !== 'name')
          .map(([name, value]) => [name, toJson(this.#expression(value))]),
      ),
      dependsOn: all.length > 0 ? all : undefined,
    });
  }

  #resourceParts({ node }: Declaration): Resource {
    const [type = '', apiVersion = ''] = this.#text(part(node, 1)).split('@');
    const last = part(node, 2);
    const isConditional = last.type === 'if_statement';
    const body = isConditional ? part(last, 1) : last;
    return {
      type,
      apiVersion,
      condition: isConditional ? part(last, 0) : undefined,
      body: new Map(parts(body).map((property) => [part(property, 0).text, part(property, 1)])),
    };
  }

  /** The names of the resource and its parents, the outermost first. */
  #nameSegments(declaration: Declaration): Expression[] {
    const { body } = this.#resourceParts(declaration);
    const name = body.get('name');
    const parent = body.get('parent');
    if (!name) throw new Error(`${declaration.name} has no name`);
    return [
      ...(parent ? this.#nameSegments(this.#declared(parent.text, 'resource')) : []),
      this.#expression(name),
    ];
  }

  #resourceId(name: string): Expression {
    const declaration = this.#declared(name, 'resource');
    const { type, body } = this.#resourceParts(declaration);
    if (body.has('scope')) throw new Error(`the ID of ${name}, an extension resource, is not supported`);
    return call('resourceId', literal(type), ...this.#nameSegments(declaration));
  }

  /** The resources that are mentioned, also through variables. */
  #resourcesIn(node: Node, found: Set<string>): Set<string> {
    const declared = node.type === 'identifier' ? this.#declarations.get(node.text) : undefined;
    if (declared?.kind === 'resource' && !isPropertyName(node)) found.add(declared.name);
    if (declared?.kind === 'variable' && !isPropertyName(node)) {
      this.#resourcesIn(part(declared.node, 1), found);
    }
    parts(node).forEach((child) => this.#resourcesIn(child, found));
    return found;
  }

  /** Whether the value is known only once a resource exists. Such variables are written out where they are used. */
  #isRuntime(node: Node): boolean {
    if (node.type === 'member_expression') {
      const object = part(node, 0);
      const isResource = this.#declarations.get(object.text)?.kind === 'resource';
      if (isResource) return !['id', 'name'].includes(part(node, 1).text);
    }
    const declared = node.type === 'identifier' ? this.#declarations.get(node.text) : undefined;
    if (declared?.kind === 'variable' && !isPropertyName(node) && node.parent?.id !== declared.node.id) {
      return this.#isRuntime(declared.node);
    }
    return parts(node).some((child) => this.#isRuntime(child));
  }

  #declared(name: string, kind: Declaration['kind']): Declaration {
    const declaration = this.#declarations.get(name);
    if (declaration?.kind !== kind) throw new Error(`there is no ${kind} ${name}`);
    return declaration;
  }

  #expression(node: Node): Expression {
    switch (node.type) {
      case 'string':
        return this.#string(node);
      case 'number':
        return literal(Number(node.text));
      case 'boolean':
        return literal(node.text === 'true');
      case 'null':
        return literal(null);
      case 'array':
        return { kind: 'array', items: parts(node).map((item) => this.#expression(item)) };
      case 'object':
        return {
          kind: 'object',
          entries: parts(node).map((property) => [
            part(property, 0).type === 'string'
              ? this.#string(part(property, 0))
              : literal(part(property, 0).text),
            this.#expression(part(property, 1)),
          ]),
        };
      case 'parenthesized_expression':
        return this.#expression(part(node, 0));
      case 'identifier':
        return this.#identifier(node.text);
      case 'member_expression':
        return this.#member(node);
      case 'call_expression':
        return call(part(node, 0).text, ...parts(part(node, 1)).map((arg) => this.#expression(arg)));
      case 'ternary_expression':
        return call('if', ...parts(node).map((branch) => this.#expression(branch)));
      case 'unary_expression':
        if (!node.text.startsWith('!')) throw new Error(`not supported: ${node.text}`);
        return call('not', this.#expression(part(node, 0)));
      case 'binary_expression': {
        const operator = node.childForFieldName('operator')?.text ?? '';
        const operands = [part(node, 0), part(node, 1)].map((operand) => this.#expression(operand));
        if (operator === '!=') return call('not', call('equals', ...operands));
        const name = operators[operator];
        if (name === undefined) throw new Error(`not supported: ${operator} in ${node.text}`);
        return call(name, ...operands);
      }
      default:
        throw new Error(`not supported: ${node.type} in ${node.text.slice(0, 60)}`);
    }
  }

  #identifier(name: string): Expression {
    const declaration = this.#declarations.get(name);
    if (declaration?.kind === 'parameter') return formula(`parameters('${name}')`);
    if (declaration?.kind !== 'variable') throw new Error(`${name} is neither a parameter nor a variable`);
    return this.#isRuntime(declaration.node)
      ? this.#expression(part(declaration.node, 1))
      : formula(`variables('${name}')`);
  }

  #member(node: Node): Expression {
    const object = part(node, 0);
    const property = part(node, 1).text;
    if (this.#declarations.get(object.text)?.kind !== 'resource') {
      return formula(`${toFormula(this.#expression(object))}.${property}`);
    }
    if (property === 'id') return this.#resourceId(object.text);
    if (property === 'properties') return formula(`reference('${object.text}')`);
    const name = this.#nameSegments(this.#declared(object.text, 'resource')).at(-1);
    if (property === 'name' && name) return name;
    throw new Error(`not supported: ${node.text}`);
  }

  #string(node: Node): Literal | Formula {
    const values: Expression[] = [];
    let text = '';
    const isMultiLine = node.text.startsWith("'''");
    for (const piece of parts(node)) {
      if (piece.type === 'interpolation') {
        text += `{${values.length}}`;
        values.push(this.#expression(part(piece, 0)));
      } else if (piece.type === 'string_content')
        text += isMultiLine ? piece.text.replace(/^\n/, '') : piece.text;
      else throw new Error(`not supported: ${piece.type} in ${node.text}`);
    }
    if (values.length > 0 && /[{}]/.test(text.replaceAll(/\{\d+\}/g, ''))) {
      throw new Error(`braces in a string with expressions are not supported: ${node.text}`);
    }
    return values.length > 0 ? call('format', literal(text), ...values) : literal(text);
  }

  #text(node: Node): string {
    const value = toJson(this.#string(node));
    if (typeof value !== 'string') throw new Error(`${node.text} is not text`);
    return value;
  }
}

function typeOf(node: Node): string {
  const type = jsonTypes[node.text];
  if (type === undefined) throw new Error(`not supported: the type ${node.text}`);
  return type;
}

/** Whether the identifier is the name of a property, in an object. */
function isPropertyName(node: Node): boolean {
  return node.parent?.type === 'object_property' && node.parent.namedChild(0)?.id === node.id;
}

function defined(properties: Record<string, Json | undefined>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}
