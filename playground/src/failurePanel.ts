import type { Environment } from './requestTrace';
import { localTools } from './localTools';
import { type FailureScenario, failureScenarios } from './failureScenarios';
import { element, find } from './view/dom';

interface FailurePanelOptions {
  environment: Environment;
  /** Runs one action at a time, and shows its error. */
  run: (action: () => Promise<void>) => void;
  /** Sends the request that shows the failure; with this access token, if there is one. */
  send: (scenario: FailureScenario, accessToken: string | undefined) => Promise<void>;
  userObjectId: () => string | undefined;
  /** Called after everything is back to normal. */
  onEnd: () => void;
}

const storageKey = 'playground.failure';

/** One button for each failure, and one that ends it. */
export class FailurePanel {
  readonly #options: FailurePanelOptions;
  readonly #buttons = new Map<FailureScenario, HTMLButtonElement>();

  constructor(options: FailurePanelOptions) {
    this.#options = options;
    find('failure-card').hidden = false;
    find('failures').replaceChildren(
      ...failureScenarios
        .filter(({ occurs }) => occurs(options.environment))
        .map((scenario) => this.#item(scenario)),
    );
    find('failure-end').onclick = () => this.end();
    this.#showActive();
  }

  /** The active failure. */
  get active(): FailureScenario | undefined {
    const name = sessionStorage.getItem(storageKey);
    return failureScenarios.find((scenario) => scenario.name === name);
  }

  readonly end = (): void => {
    this.#options.run(async () => {
      await localTools.endFailure();
      this.#setActive(undefined);
      this.#options.onEnd();
    });
  };

  #item(scenario: FailureScenario): HTMLElement {
    const button = element(
      'button',
      { type: 'button', class: 'choice', 'aria-pressed': 'false', onclick: () => this.#simulate(scenario) },
      element('span', { class: 'title' }, scenario.title),
      element('small', {}, scenario.about),
    );
    this.#buttons.set(scenario, button);
    return element('li', {}, button);
  }

  #simulate(scenario: FailureScenario): void {
    this.#options.run(async () => {
      const user = this.#options.userObjectId();
      if (user === undefined) return;
      const { accessToken } = await localTools.simulate(scenario.name, user);
      this.#setActive(scenario);
      await this.#options.send(scenario, accessToken);
    });
  }

  #setActive(scenario: FailureScenario | undefined): void {
    if (scenario) sessionStorage.setItem(storageKey, scenario.name);
    else sessionStorage.removeItem(storageKey);
    this.#showActive();
  }

  #showActive(): void {
    const { active } = this;
    for (const [scenario, button] of this.#buttons)
      button.setAttribute('aria-pressed', String(scenario === active));
    find('failure-end').hidden = active === undefined;
  }
}
