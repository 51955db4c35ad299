import type { UpstreamCall } from '../failures';
import { shortenTokens } from './jwt';

/** One request with its response. */
export interface Exchange {
  title: string;
  method: string;
  url: string;
  requestHeaders: Record<string, string>;
  startedAt: number;
  durationInMs: number;
  /** Absent if there was none. */
  response?: {
    status: number;
    statusText: string;
    /** Names in lower case. Of a cross-origin response, only the exposed headers. */
    headers: Record<string, string>;
    body: unknown;
  };
  /** The calls that the API made for it; unknown without the emulator. */
  calls?: UpstreamCall[];
  /** The tokens were shortened before a redirect to the sign-in page. */
  shortened?: boolean;
}

export interface Recorder {
  readonly exchanges: readonly Exchange[];
  /** `fetch` that records the exchange; throws if there is no response. */
  send(title: string, url: string, init?: RequestInit): Promise<Response>;
  /** Sends the request and returns the recorded exchange. */
  call(title: string, url: string, init?: RequestInit): Promise<Exchange>;
  /** Saves the exchanges before a redirect to the sign-in page. */
  save(): void;
}

const storageKey = 'playground.exchanges';
const maxExchanges = 30;

interface RecorderEvents {
  onStart: (request: Pick<Exchange, 'method' | 'url' | 'startedAt'>) => void;
  onExchange: (exchange: Exchange) => void;
}

export function createRecorder({ onStart, onExchange }: RecorderEvents): Recorder {
  const exchanges = restoreSaved();

  function add(exchange: Exchange): Exchange {
    exchanges.unshift(exchange);
    exchanges.splice(maxExchanges);
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
    onStart(exchange);
    const elapsedInMs = (): number => Math.round(performance.now() - start);
    try {
      const response = await fetch(url, init);
      const { status, statusText } = response;
      const body = parseBody(await response.clone().text());
      const recorded = { status, statusText, headers: headersOf(response.headers), body };
      return [add({ ...exchange, durationInMs: elapsedInMs(), response: recorded }), response];
    } catch {
      return [add({ ...exchange, durationInMs: elapsedInMs() }), undefined];
    }
  }

  return {
    exchanges,
    async send(title, url, init = {}) {
      const [, response] = await record(title, url, init);
      if (response) return response;
      throw new TypeError('The API cannot be reached.');
    },
    async call(title, url, init = {}) {
      const [exchange] = await record(title, url, init);
      return exchange;
    },
    save() {
      const saved = exchanges.map((exchange) => ({ ...exchange, shortened: true }));
      const text = JSON.stringify(saved, (_name, value: unknown) =>
        typeof value === 'string' ? shortenTokens(value) : value,
      );
      sessionStorage.setItem(storageKey, text);
    },
  };
}

function restoreSaved(): Exchange[] {
  const text = sessionStorage.getItem(storageKey);
  sessionStorage.removeItem(storageKey);
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
