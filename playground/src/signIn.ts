import {
  type AccountInfo,
  type AuthenticationResult,
  BrowserCacheLocation,
  InteractionRequiredAuthError,
  PublicClientApplication,
} from '@azure/msal-browser';
import type { SignInSettings } from '../settings';
import { isOperationName, type OperationName } from './operations';

/** What to continue with after a redirect to the sign-in page. Sent as the request's state. */
export interface Continuation {
  operation?: OperationName;
  /** The account to stay signed in as, if the other account only provides a Teams token. */
  actAs?: string;
  /** A claims challenge has been satisfied once; it is not repeated. */
  challenged?: boolean;
}

export const teamsScopes = ['Teams.ManageCalls', 'Teams.ManageChats'].map(
  (permission) => `https://auth.msft.communication.azure.com/${permission}`,
);

/** Thrown while the browser is being redirected to the sign-in page, to stop the current operation. */
export class RedirectStarted extends Error {}

/** The accounts and tokens of this page, from MSAL. */
export class SignIn {
  readonly msal: PublicClientApplication;
  readonly #settings: SignInSettings;
  readonly #beforeRedirect: () => void;

  constructor(settings: SignInSettings, beforeRedirect: () => void) {
    this.#settings = settings;
    this.#beforeRedirect = beforeRedirect;
    this.msal = new PublicClientApplication({
      auth: {
        clientId: settings.clientId,
        authority: settings.authority,
        knownAuthorities: [new URL(settings.authority).host],
        ...(settings.authorityMetadata === undefined
          ? {}
          : { authorityMetadata: settings.authorityMetadata }),
        redirectUri: `${location.origin}/redirect.html`,
        postLogoutRedirectUri: `${location.origin}/`,
        // Tells Microsoft Entra ID that this app can handle claims challenges; APIs do not send them otherwise.
        clientCapabilities: ['CP1'],
      },
      cache: { cacheLocation: BrowserCacheLocation.SessionStorage },
    });
  }

  /** Processes the response of a sign-in, if there is one. */
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

  accountOf(whom: 'me' | 'someone else'): AccountInfo | undefined {
    if (whom === 'me') return this.account;
    return this.accounts.find(({ homeAccountId }) => homeAccountId !== this.account?.homeAccountId);
  }

  use(homeAccountId: string): void {
    const account = this.accounts.find((each) => each.homeAccountId === homeAccountId);
    if (account) this.msal.setActiveAccount(account);
  }

  async signIn(continuation: Continuation = {}): Promise<never> {
    return await this.#redirect(
      (state) => this.msal.loginRedirect({ ...this.#apiRequest, state }),
      continuation,
    );
  }

  /** Signs in another account in addition to the current one. */
  async signInAnother(continuation: Continuation = {}): Promise<never> {
    const request = { ...this.#apiRequest, prompt: 'select_account' };
    return await this.#redirect((state) => this.msal.loginRedirect({ ...request, state }), continuation);
  }

  /** Signs in the same account again, with the claims of a challenge. */
  async stepUp(claims: string, continuation: Continuation): Promise<never> {
    const request = { ...this.#apiRequest, ...this.#currentAccount, claims };
    return await this.#redirect(
      (state) => this.msal.acquireTokenRedirect({ ...request, state }),
      continuation,
    );
  }

  async consent(continuation: Continuation): Promise<never> {
    const allPermissions = this.#settings.apiScope.replace(/[^/]*$/, '.default');
    const request = { ...this.#currentAccount, scopes: [allPermissions], prompt: 'consent' };
    return await this.#redirect(
      (state) => this.msal.acquireTokenRedirect({ ...request, state }),
      continuation,
    );
  }

  async signOut(): Promise<void> {
    const { account } = this;
    await this.msal.logoutRedirect(account ? { account } : {});
  }

  apiToken(continuation: Continuation, { forceRefresh = false } = {}): Promise<string> {
    return this.#token(this.#apiRequest.scopes, this.account, continuation, forceRefresh);
  }

  teamsToken(of: AccountInfo, continuation: Continuation): Promise<string> {
    return this.#token(teamsScopes, of, continuation);
  }

  /** From MSAL's cache or renewed; otherwise the user must sign in or consent. */
  async #token(
    scopes: string[],
    account: AccountInfo | undefined,
    continuation: Continuation,
    forceRefresh = false,
  ): Promise<string> {
    if (!account) return await this.signIn(continuation);
    try {
      const result: AuthenticationResult = await this.msal.acquireTokenSilent({
        scopes,
        account,
        forceRefresh,
      });
      return result.accessToken;
    } catch (error) {
      if (!(error instanceof InteractionRequiredAuthError)) throw error;
      const actAs = this.account?.homeAccountId;
      return await this.#redirect((state) => this.msal.acquireTokenRedirect({ scopes, account, state }), {
        ...continuation,
        ...(actAs === undefined ? {} : { actAs }),
      });
    }
  }

  get #apiRequest(): { scopes: string[] } {
    return { scopes: [this.#settings.apiScope] };
  }

  get #currentAccount(): { account?: AccountInfo } {
    const { account } = this;
    return account ? { account } : {};
  }

  async #redirect(go: (state: string) => Promise<void>, continuation: Continuation): Promise<never> {
    this.#beforeRedirect();
    await go(JSON.stringify(continuation));
    throw new RedirectStarted();
  }
}

/** The state comes from the URL, so only expected values are used. */
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
