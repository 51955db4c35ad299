/** A request that the page can send to the API. */
export interface Operation {
  title: string;
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  /** The owner of the Teams token to send. */
  teamsTokenOf?: 'me' | 'someone else';
  /** The warning to confirm before the request is sent. */
  confirm?: string;
}

export const operations = {
  getToken: { title: 'Get a token', method: 'GET', path: '/api/token' },
  refresh: {
    title: 'Refresh the token',
    method: 'GET',
    path: '/api/token',
    headers: { 'Cache-Control': 'no-cache' },
  },
  whoAmI: { title: 'Who am I?', method: 'GET', path: '/api/user' },
  exchange: {
    title: 'Exchange as a Teams user',
    method: 'POST',
    path: '/api/token/teams',
    teamsTokenOf: 'me',
  },
  exchangeWrongUser: {
    title: 'Exchange someone else’s Teams token',
    method: 'POST',
    path: '/api/token/teams',
    teamsTokenOf: 'someone else',
  },
  deleteUser: {
    title: 'Delete my identity',
    method: 'DELETE',
    path: '/api/user',
    confirm:
      'This permanently deletes your communication identity and its tokens. Your next token will be for a new identity, ' +
      'which has no access to the chats and calls of the old one.',
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export function isOperationName(text: unknown): text is OperationName {
  return typeof text === 'string' && Object.hasOwn(operations, text);
}

export function operation(name: OperationName): Operation {
  return operations[name];
}
