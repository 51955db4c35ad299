/** One call of the control surface. What it returns is the answer. */
export interface Action {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  name: string;
  does: string;
  run: (body: unknown, query: URLSearchParams) => unknown;
}
