import { authorityUnreachable, discoveryUrl } from './signInProblems';
import { clearOutcome, type RemedyActions, showProblem } from './view/outcomeView';

/** Checks that the browser reaches the authority before the user signs in, because MSAL's error does not say why it does not. */
export class AuthorityCheck {
  readonly #authority: string;
  readonly #remedies: () => RemedyActions;
  #isReachable = true;

  constructor(authority: string, remedies: () => RemedyActions) {
    this.#authority = authority;
    this.#remedies = remedies;
    // The user may return from another tab in which they have made the authority reachable.
    window.addEventListener('focus', () => {
      if (!this.#isReachable) void this.check();
    });
  }

  async check(): Promise<void> {
    this.#isReachable = await fetch(discoveryUrl(this.#authority)).then(
      () => true,
      () => false,
    );
    if (this.#isReachable) clearOutcome();
    else showProblem(authorityUnreachable(this.#authority), this.#remedies());
  }
}
