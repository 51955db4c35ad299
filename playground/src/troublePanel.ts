import type { Surroundings } from './journey';
import { localTools } from './localTools';
import { type TroubleScene, troubleScenes } from './troubleScenes';
import { element, find } from './view/dom';

interface TroublePanelOptions {
  around: Surroundings;
  /** Runs one action at a time, and shows its failure. */
  run: (action: () => Promise<void>) => void;
  /** Sends the request that shows the trouble; with this access token, if there is one. */
  meet: (scene: TroubleScene, accessToken: string | undefined) => Promise<void>;
  userObjectId: () => string | undefined;
  /** Called after everything is back to normal. */
  onEnd: () => void;
}

const storageKey = 'playground.trouble';

/** One button for each trouble, and one that ends it. */
export class TroublePanel {
  readonly #options: TroublePanelOptions;
  readonly #buttons = new Map<TroubleScene, HTMLButtonElement>();

  constructor(options: TroublePanelOptions) {
    this.#options = options;
    find('trouble-card').hidden = false;
    find('troubles').replaceChildren(
      ...troubleScenes.filter(({ occurs }) => occurs(options.around)).map((scene) => this.#item(scene)),
    );
    find('trouble-end').onclick = () => this.end();
    this.#showActive();
  }

  /** The active trouble. */
  get active(): TroubleScene | undefined {
    const name = sessionStorage.getItem(storageKey);
    return troubleScenes.find((scene) => scene.name === name);
  }

  readonly end = (): void => {
    this.#options.run(async () => {
      await localTools.endTrouble();
      this.#setActive(undefined);
      this.#options.onEnd();
    });
  };

  #item(scene: TroubleScene): HTMLElement {
    const button = element(
      'button',
      { type: 'button', class: 'choice', 'aria-pressed': 'false', onclick: () => this.#cause(scene) },
      element('span', { class: 'title' }, scene.title),
      element('small', {}, scene.about),
    );
    this.#buttons.set(scene, button);
    return element('li', {}, button);
  }

  #cause(scene: TroubleScene): void {
    this.#options.run(async () => {
      const user = this.#options.userObjectId();
      if (user === undefined) return;
      const { accessToken } = await localTools.cause(scene.name, user);
      this.#setActive(scene);
      await this.#options.meet(scene, accessToken);
    });
  }

  #setActive(scene: TroubleScene | undefined): void {
    if (scene) sessionStorage.setItem(storageKey, scene.name);
    else sessionStorage.removeItem(storageKey);
    this.#showActive();
  }

  #showActive(): void {
    const { active } = this;
    for (const [scene, button] of this.#buttons)
      button.setAttribute('aria-pressed', String(scene === active));
    find('trouble-end').hidden = active === undefined;
  }
}
