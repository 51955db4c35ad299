/** What one can ask of the API with a click. */
export interface Operation {
  title: string;
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  /** Whose Teams token goes along. */
  teamsTokenOf?: 'me' | 'someone else';
  /** What is said before it is done. */
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
      'This deletes your communication identity for good, with its tokens. The next token you get is for a new identity: ' +
      'chats and calls of the old one are not yours any more.',
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export function isOperationName(text: unknown): text is OperationName {
  return typeof text === 'string' && Object.hasOwn(operations, text);
}

export function operation(name: OperationName): Operation {
  return operations[name];
}
