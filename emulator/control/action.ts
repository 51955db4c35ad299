/** One operation of the control API. Its result is the response. */
export interface Action {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  name: string;
  does: string;
  run: (body: unknown, query: URLSearchParams) => unknown;
}
