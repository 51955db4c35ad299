import type { UpstreamCall } from '../failures';
import type { TracedRequest, Environment } from './requestTrace';
import { localTools } from './localTools';
import type { Exchange } from './recorder';
import { element, find } from './view/dom';
import { idleStops, showTrace } from './view/traceView';

const pollIntervalInMs = 200;

/** Shows the path of the latest request through the services, even while it runs. */
export class TracePanel {
  readonly #environment: Environment;
  #latest: TracedRequest | undefined;
  #calls: readonly UpstreamCall[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
    find('trace-card').hidden = false;
    find('trace').replaceChildren(
      idleStops(environment),
      element('p', { class: 'hint' }, 'Call the API to see each call that it makes.'),
    );
  }

  begin(request: TracedRequest): void {
    this.#latest = request;
    this.#calls = [];
    this.#show();
    void this.#follow(request);
  }

  /** Resolves when the trace is complete. */
  async end(exchange: Exchange): Promise<void> {
    this.#latest = exchange;
    const requestId = exchange.response?.headers['x-ms-request-id'];
    this.#calls = requestId === undefined ? [] : await localTools.callsOf(requestId).catch(() => []);
    if (this.#latest === exchange) this.#show();
  }

  async #follow(request: TracedRequest): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, pollIntervalInMs));
      if (this.#latest !== request) return;
      const calls = await localTools.callsSince(request.startedAt).catch(() => []);
      if (this.#latest !== request) return;
      // MSAL's own requests are not part of it.
      this.#calls = calls.filter(
        ({ operation }) => !/^entra\.(token\.(auth|refresh)|authorize)/.test(operation),
      );
      this.#show();
    }
  }

  #show(): void {
    if (this.#latest) showTrace(this.#latest, this.#calls, this.#environment);
  }
}
