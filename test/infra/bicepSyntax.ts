import { readFileSync } from 'node:fs';
import { Language, type Node, Parser } from 'web-tree-sitter';

/** A Bicep file as a syntax tree. There is no Bicep compiler on npm, but its grammar is. */
export async function parseBicep(path: string): Promise<Node> {
  await Parser.init();
  const parser = new Parser();
  const grammar = readFileSync(require.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm'));
  parser.setLanguage(await Language.load(new Uint8Array(grammar)));
  const root = parser.parse(readFileSync(path, 'utf8'))?.rootNode;
  if (!root) throw new Error(`${path} could not be parsed`);
  const error = firstError(root);
  if (error) {
    throw new Error(`${path}:${error.startPosition.row + 1}: syntax error near "${error.text.slice(0, 40)}"`);
  }
  return root;
}

function firstError(node: Node): Node | undefined {
  if (node.isError || node.isMissing) return node;
  if (!node.hasError) return undefined;
  for (const child of node.children) {
    const error = firstError(child);
    if (error) return error;
  }
  return undefined;
}

/** The children that carry meaning. */
export function parts(node: Node): Node[] {
  return node.namedChildren.filter((child) => !child.type.endsWith('comment'));
}

/** One declaration, such as a parameter, with its decorators. */
export interface Declaration {
  readonly kind: 'parameter' | 'variable' | 'resource' | 'module' | 'output';
  readonly name: string;
  readonly node: Node;
  /** The arguments of each decorator, by its name. */
  readonly decorators: ReadonlyMap<string, readonly Node[]>;
}

export function declarationsOf(root: Node): Declaration[] {
  const declarations: Declaration[] = [];
  let decorators = new Map<string, readonly Node[]>();
  for (const node of parts(root)) {
    if (node.type === 'target_scope_assignment') continue;
    if (node.type === 'decorators') {
      decorators = new Map(parts(node).map((each) => decoratorOf(each)));
      continue;
    }
    const [, kind] = /^(parameter|variable|resource|module|output)_declaration$/.exec(node.type) ?? [];
    if (kind === undefined) throw new Error(`not supported here: ${node.type} "${node.text.slice(0, 40)}"`);
    const name = part(node, 0).text;
    declarations.push({ kind: kind as Declaration['kind'], name, node, decorators });
    decorators = new Map();
  }
  return declarations;
}

function decoratorOf(node: Node): [string, readonly Node[]] {
  const call = part(node, 0);
  return [part(call, 0).text, parts(part(call, 1))];
}

export function part(node: Node, index: number): Node {
  const found = parts(node).at(index);
  if (!found) throw new Error(`"${node.text.slice(0, 40)}" has no part ${index}`);
  return found;
}
