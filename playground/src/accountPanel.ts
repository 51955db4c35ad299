import type { SignInSettings } from '../settings';
import type { ActionRunner } from './actionRunner';
import { SignIn } from './signIn';
import { chooseSignIn } from './signInChoice';
import { showAccount } from './view/accountView';

interface AccountPanelOptions {
  settings: SignInSettings;
  signIn: SignIn;
  actions: ActionRunner;
  /** Called before the browser leaves the page. */
  beforeRedirect: () => void;
  /** Called after the user has chosen another account. */
  onSwitch: () => void;
}

/** The signed-in accounts, with buttons to sign in, switch and sign out. */
export class AccountPanel {
  readonly #options: AccountPanelOptions;

  constructor(options: AccountPanelOptions) {
    this.#options = options;
  }

  show(): void {
    const { settings, signIn, actions } = this.#options;
    showAccount(signIn.account, signIn.accounts, {
      signIn: () => this.signInWith(settings),
      signInAnother: () => actions.redirect(() => signIn.signInAnother()),
      signOut: () => actions.redirect(() => signIn.signOut()),
      use: (homeAccountId) => this.#switchTo(homeAccountId),
    });
  }

  signInWith(choice: SignInSettings): void {
    const { settings, signIn, actions, beforeRedirect } = this.#options;
    actions.redirect(async () => {
      chooseSignIn(choice);
      if (choice.provider === settings.provider) return await signIn.signIn();
      const other = new SignIn(choice, beforeRedirect);
      await other.start();
      return await other.signIn();
    });
  }

  #switchTo(homeAccountId: string): void {
    this.#options.signIn.use(homeAccountId);
    this.show();
    this.#options.onSwitch();
  }
}
