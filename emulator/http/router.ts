import { emulated, type Operation } from './emulated';

export interface Route {
  operation: Operation;
  params: Record<string, string>;
  crossOrigin: boolean;
}

interface Pattern {
  operation: Operation;
  method: string;
  segments: { literal?: string; placeholder?: string }[];
  grantType: string | undefined;
  crossOrigin: boolean;
  /** Of Graph: the case of the path does not matter, nor does a slash at its end. */
  tolerant: boolean;
}

const patterns: Pattern[] = emulated.map((entry) => ({
  operation: entry.operation,
  method: entry.method,
  segments: entry.path.split('/').map((segment) => {
    const placeholder = /^\{(\w+)\}$/.exec(segment)?.[1];
    return placeholder === undefined ? { literal: segment } : { placeholder };
  }),
  grantType: 'grantType' in entry ? entry.grantType : undefined,
  crossOrigin: 'crossOrigin' in entry,
  tolerant: entry.path.startsWith('/v1.0/'),
}));

/** The grants that are emulated. */
export const grantTypes = new Set(patterns.flatMap(({ grantType = '' }) => grantType));

/** @param grantType reads the form of a token request; called only if the route depends on it. */
export function findRoute(method: string, path: string, grantType: () => string): Route | undefined {
  const segments = path.split('/');
  for (const pattern of patterns) {
    if (pattern.method !== method) continue;
    const params = match(pattern, segments);
    if (!params) continue;
    if (pattern.grantType !== undefined && pattern.grantType !== grantType()) continue;
    return { operation: pattern.operation, params, crossOrigin: pattern.crossOrigin };
  }
  return undefined;
}

/** The methods that scripts of other origins may use on a path, for preflight requests. */
export function crossOriginMethods(path: string): string[] {
  const segments = path.split('/');
  const found = patterns.filter((pattern) => pattern.crossOrigin && match(pattern, segments));
  return [...new Set(found.map(({ method }) => method))];
}

function match(pattern: Pattern, sent: string[]): Record<string, string> | undefined {
  const { tolerant } = pattern;
  const segments = tolerant && sent.at(-1) === '' ? sent.slice(0, -1) : sent;
  if (pattern.segments.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, { literal, placeholder }] of pattern.segments.entries()) {
    const segment = segments[index] ?? '';
    if (literal !== undefined) {
      if (!isLiteral(literal, tolerant ? segment.toLowerCase() : segment)) return undefined;
    } else if (placeholder !== undefined) {
      const value = decode(segment);
      // In OData, such a segment is no value: `$count`.
      if (!value || value.startsWith('$')) return undefined;
      params[placeholder] = value;
    }
  }
  return params;
}

/** Some clients encode the first character of `:issueAccessToken` and `$batch`. */
function isLiteral(literal: string, segment: string): boolean {
  return segment === literal || (/^[:$]/.test(literal) && decode(segment) === literal);
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
