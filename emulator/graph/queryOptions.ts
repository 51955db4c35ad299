import { type Call } from '../http/exchange';

/** The query options of a call. In Graph, the case of their names does not matter. */
export function queryOptions(call: Call): URLSearchParams {
  return new URLSearchParams(
    [...call.query].map(([name, value]): [string, string] => [name.toLowerCase(), value]),
  );
}
