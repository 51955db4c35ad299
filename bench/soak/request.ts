import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Operation, OperationKind } from '../../simulation/history';

const agent = new Agent({ connections: 128, keepAliveTimeout: 4_000 });

export interface SoakRequest {
  readonly url: string;
  readonly kind: OperationKind;
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
}

/** The content of a 2xx response, or of the 404 for a user without an identity. */
export type ApiResponse = Pick<Operation, 'id' | 'created' | 'token'>;

const bodyOf = z.looseObject({
  token: z.string().optional(),
  user: z.looseObject({ communicationUserId: z.string() }).optional(),
  error: z.looseObject({ code: z.string() }).optional(),
});

const routes: Record<OperationKind, readonly ['GET' | 'POST' | 'DELETE', string]> = {
  getToken: ['GET', '/api/token'],
  getFreshToken: ['GET', '/api/token'],
  'POST user': ['POST', '/api/user'],
  'GET user': ['GET', '/api/user'],
  'DELETE user': ['DELETE', '/api/user'],
};

/** The outcome of a success, otherwise the status; 0 without a response. */
export async function send({ url, kind, token, signal }: SoakRequest): Promise<ApiResponse | number> {
  const [method, path] = routes[kind];
  const fresh = kind === 'getFreshToken' ? { 'cache-control': 'no-cache' } : {};
  try {
    const response = await request(`${url}${path}`, {
      dispatcher: agent,
      method,
      headers: { authorization: `Bearer ${token}`, ...fresh },
      ...(signal ? { signal } : {}),
    });
    const text = await response.body.text();
    const { statusCode } = response;
    if (kind === 'DELETE user') return statusCode === 204 ? nothing : statusCode;
    const body = bodyOf.parse(JSON.parse(text));
    if (kind === 'GET user' && statusCode === 404 && body.error?.code === 'user_not_found') return nothing;
    if (statusCode !== 200 && statusCode !== 201) return statusCode;
    return {
      id: body.user?.communicationUserId,
      created: statusCode === 201,
      token: body.token === undefined ? undefined : identityIn(body.token),
    };
  } catch {
    return 0;
  }
}

const nothing: ApiResponse = { id: undefined, created: false, token: undefined };
const claimsOf = z.looseObject({ skypeid: z.string() });

/** The identity that a communication token is for. */
function identityIn(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return `8:${claimsOf.parse(claims).skypeid}`;
}
