import { type Call, header, type Reply } from './exchange';

/** Gives the id of the session in the cookie of this name. */
export function sessionIn(call: Call, name: string): string | undefined {
  return new RegExp(`(?:^|; *)${name}=([^;]+)`).exec(header(call, 'cookie') ?? '')?.[1];
}

/** SameSite is None, since silent renewal happens in a frame of a page of another origin. */
export function withSession(reply: Reply, name: string, id: string): Reply {
  const others = id === '' ? 'Max-Age=0' : 'Max-Age=86400';
  const cookie = `${name}=${id}; Path=/; ${others}; HttpOnly; Secure; SameSite=None`;
  return { ...reply, headers: { ...reply.headers, 'set-cookie': cookie } };
}

export function withoutSession(reply: Reply, name: string): Reply {
  return withSession(reply, name, '');
}
