import { element, find } from './dom';
import { type TokenKind, tokenView, updateTimesLeft } from './tokenView';

/** The tokens that the page has received, the latest of each kind. */
export class TokensPanel {
  readonly #tokens = new Map<TokenKind, string>();

  get(kind: TokenKind): string | undefined {
    return this.#tokens.get(kind);
  }

  set(kind: TokenKind, token: string): void {
    this.#tokens.set(kind, token);
    this.#render();
  }

  delete(kind: TokenKind): void {
    this.#tokens.delete(kind);
    this.#render();
  }

  clear(): void {
    this.#tokens.clear();
    this.#render();
  }

  /** An expanded token stays expanded when it is replaced. */
  #render(): void {
    const container = find('tokens');
    const expanded = [...container.querySelectorAll<HTMLElement>('details[open]')].map(
      (each) => each.dataset.token,
    );
    const views = [...this.#tokens].map(([kind, token]) => {
      const view = tokenView(kind, token);
      if (expanded.includes(kind)) view.setAttribute('open', '');
      return view;
    });
    container.replaceChildren(
      ...(views.length > 0 ? views : [element('p', { class: 'hint' }, 'No tokens yet.')]),
    );
    updateTimesLeft();
  }
}
