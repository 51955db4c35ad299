import {
  type AccountInfo,
  type AuthenticationResult,
  BrowserCacheLocation,
  InteractionRequiredAuthError,
  PublicClientApplication,
} from '@azure/msal-browser';
import type { PlaygroundSettings } from '../settings';
import { isOperationName, type OperationName } from './operations';

/** What to go on with after a sign-in, for which the page is left. It travels along as the request's state. */
export interface Continuation {
  operation?: OperationName;
  /** The account to act as, when the one that signs in only lends a token. */
  actAs?: string;
  /** A claims challenge has been answered: a second one is not. */
  challenged?: boolean;
}

export const teamsScopes = ['Teams.ManageCalls', 'Teams.ManageChats'].map(
  (permission) => `https://auth.msft.communication.azure.com/${permission}`,
);

/** Thrown when the browser is on its way to the sign-in page: there is nothing more to do here. */
export class LeavingPage extends Error {}

/** MSAL for this page: who is signed in, and their tokens. */
export class SignIn {
  readonly msal: PublicClientApplication;
  readonly #settings: PlaygroundSettings;
  readonly #beforeLeaving: () => void;

  constructor(settings: PlaygroundSettings, beforeLeaving: () => void) {
    this.#settings = settings;
    this.#beforeLeaving = beforeLeaving;
    this.msal = new PublicClientApplication({
      auth: {
        clientId: settings.clientId,
        authority: settings.authority,
        knownAuthorities: [new URL(settings.authority).host],
        redirectUri: `${location.origin}/redirect.html`,
        postLogoutRedirectUri: `${location.origin}/`,
        // Tells Microsoft Entra ID that this app can answer claims challenges; APIs do not send them otherwise.
        clientCapabilities: ['CP1'],
      },
      cache: { cacheLocation: BrowserCacheLocation.SessionStorage },
    });
  }

  /** Takes in the answer of a sign-in, if the page was opened with one. */
  async start(): Promise<Continuation | undefined> {
    await this.msal.initialize();
    const result = await this.msal.handleRedirectPromise();
    if (!result) {
      if (!this.account) this.msal.setActiveAccount(this.accounts[0] ?? null);
      return undefined;
    }
    const continuation = parseContinuation(result.state);
    const actAs = this.accounts.find(({ homeAccountId }) => homeAccountId === continuation.actAs);
    this.msal.setActiveAccount(actAs ?? result.account);
    return continuation;
  }

  get account(): AccountInfo | undefined {
    return this.msal.getActiveAccount() ?? undefined;
  }

  get accounts(): AccountInfo[] {
    return this.msal.getAllAccounts();
  }

  use(homeAccountId: string): void {
    const account = this.accounts.find((each) => each.homeAccountId === homeAccountId);
    if (account) this.msal.setActiveAccount(account);
  }

  async signIn(continuation: Continuation = {}): Promise<never> {
    return await this.#leave((state) => this.msal.loginRedirect({ ...this.#forApi, state }), continuation);
  }

  /** Another account beside the present one. */
  async signInAnother(continuation: Continuation = {}): Promise<never> {
    const request = { ...this.#forApi, prompt: 'select_account' };
    return await this.#leave((state) => this.msal.loginRedirect({ ...request, state }), continuation);
  }

  /** The same account again, with what a claims challenge asks for. */
  async stepUp(claims: string, continuation: Continuation): Promise<never> {
    const request = { ...this.#forApi, ...this.#asPresentAccount, claims };
    return await this.#leave((state) => this.msal.acquireTokenRedirect({ ...request, state }), continuation);
  }

  async consent(continuation: Continuation): Promise<never> {
    const everything = this.#settings.apiScope.replace(/[^/]*$/, '.default');
    const request = { ...this.#asPresentAccount, scopes: [everything], prompt: 'consent' };
    return await this.#leave((state) => this.msal.acquireTokenRedirect({ ...request, state }), continuation);
  }

  async signOut(): Promise<void> {
    const { account } = this;
    await this.msal.logoutRedirect(account ? { account } : {});
  }

  apiToken(continuation: Continuation): Promise<string> {
    return this.#token(this.#forApi.scopes, this.account, continuation);
  }

  teamsToken(of: AccountInfo, continuation: Continuation): Promise<string> {
    return this.#token(teamsScopes, of, continuation);
  }

  /** From MSAL's cache, or renewed; where neither works the user has to sign in or consent. */
  async #token(
    scopes: string[],
    account: AccountInfo | undefined,
    continuation: Continuation,
  ): Promise<string> {
    if (!account) return await this.signIn(continuation);
    try {
      const result: AuthenticationResult = await this.msal.acquireTokenSilent({ scopes, account });
      return result.accessToken;
    } catch (error) {
      if (!(error instanceof InteractionRequiredAuthError)) throw error;
      const actAs = this.account?.homeAccountId;
      return await this.#leave((state) => this.msal.acquireTokenRedirect({ scopes, account, state }), {
        ...continuation,
        ...(actAs === undefined ? {} : { actAs }),
      });
    }
  }

  get #forApi(): { scopes: string[] } {
    return { scopes: [this.#settings.apiScope] };
  }

  get #asPresentAccount(): { account?: AccountInfo } {
    const { account } = this;
    return account ? { account } : {};
  }

  async #leave(go: (state: string) => Promise<void>, continuation: Continuation): Promise<never> {
    this.#beforeLeaving();
    await go(JSON.stringify(continuation));
    throw new LeavingPage();
  }
}

/** The state came through the address bar: only what is expected is taken from it. */
function parseContinuation(state: string | undefined): Continuation {
  let parsed: unknown;
  try {
    parsed = JSON.parse(state ?? '');
  } catch {
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  const { operation, actAs, challenged } = parsed as Record<string, unknown>;
  return {
    ...(isOperationName(operation) ? { operation } : {}),
    ...(typeof actAs === 'string' ? { actAs } : {}),
    ...(challenged === true ? { challenged } : {}),
  };
}
