import { shortenTokens } from './jwt';

/** One request and what came of it. */
export interface Exchange {
  title: string;
  method: string;
  url: string;
  requestHeaders: Record<string, string>;
  startedAt: number;
  tookInMs: number;
  /** Absent: no answer came. */
  answer?: {
    status: number;
    statusText: string;
    /** Names in lower case; of another origin's headers only those that it exposes. */
    headers: Record<string, string>;
    body: unknown;
  };
  /** The tokens in it were cut when the page was left for a sign-in. */
  shortened?: boolean;
}

export interface Recorder {
  readonly exchanges: readonly Exchange[];
  /** `fetch`, written down. */
  send(title: string, url: string, init?: RequestInit): Promise<Response>;
  /** Sends and hands out what was written down. */
  call(title: string, url: string, init?: RequestInit): Promise<Exchange>;
  /** Keeps the exchanges over a sign-in, for which the page is left. */
  keep(): void;
}

const keptUnder = 'playground.exchanges';
const most = 30;

export function createRecorder(onExchange: (exchange: Exchange) => void): Recorder {
  const exchanges = takeKept();

  function add(exchange: Exchange): Exchange {
    exchanges.unshift(exchange);
    exchanges.splice(most);
    onExchange(exchange);
    return exchange;
  }

  async function record(
    title: string,
    url: string,
    init: RequestInit,
  ): Promise<[Exchange, Response | undefined]> {
    const startedAt = Date.now();
    const start = performance.now();
    const exchange = {
      title,
      method: init.method ?? 'GET',
      url,
      requestHeaders: headersOf(new Headers(init.headers)),
      startedAt,
    };
    const tookInMs = (): number => Math.round(performance.now() - start);
    try {
      const response = await fetch(url, init);
      const { status, statusText } = response;
      const body = parseBody(await response.clone().text());
      const answer = { status, statusText, headers: headersOf(response.headers), body };
      return [add({ ...exchange, tookInMs: tookInMs(), answer }), response];
    } catch {
      return [add({ ...exchange, tookInMs: tookInMs() }), undefined];
    }
  }

  return {
    exchanges,
    async send(title, url, init = {}) {
      const [, response] = await record(title, url, init);
      if (response) return response;
      throw new TypeError('The API could not be reached.');
    },
    async call(title, url, init = {}) {
      const [exchange] = await record(title, url, init);
      return exchange;
    },
    keep() {
      const kept = exchanges.map((exchange) => ({ ...exchange, shortened: true }));
      const text = JSON.stringify(kept, (_name, value: unknown) =>
        typeof value === 'string' ? shortenTokens(value) : value,
      );
      sessionStorage.setItem(keptUnder, text);
    },
  };
}

function takeKept(): Exchange[] {
  const text = sessionStorage.getItem(keptUnder);
  sessionStorage.removeItem(keptUnder);
  return text === null ? [] : (JSON.parse(text) as Exchange[]);
}

function headersOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(headers.entries());
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
