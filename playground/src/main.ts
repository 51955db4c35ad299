import type { AccountInfo } from '@azure/msal-browser';
import type { PlaygroundSettings } from '../settings';
import { claimsAskedFor } from './challenge';
import { CredentialPanel } from './credentialPanel';
import { explain } from './explain';
import type { Explanation } from './explanations';
import { isOperationName, operation, type OperationName } from './operations';
import { createRecorder, type Exchange, type Recorder } from './recorder';
import { type Continuation, LeavingPage, SignIn } from './signIn';
import { authorityUnreachable, discoveryAddress, explainSignIn } from './signInProblems';
import { showAccount } from './view/accountView';
import { confirm } from './view/confirm';
import { definitions, element, find } from './view/dom';
import { exchangeView } from './view/exchangeView';
import { clearOutcome, showProblem, showSuccess, showWork } from './view/outcomeView';
import { tickTimesLeft, type TokenKind, tokenView } from './view/tokenView';

/** The page: clicks in, requests out, and everything that comes of them shown. */
class Playground {
  readonly #settings: PlaygroundSettings;
  readonly #recorder: Recorder;
  readonly #signIn: SignIn;
  readonly #credential: CredentialPanel;
  readonly #tokens = new Map<TokenKind, string>();
  #working = false;
  #authorityIsReachable = true;

  constructor(settings: PlaygroundSettings) {
    this.#settings = settings;
    this.#recorder = createRecorder(() => this.#showExchanges());
    this.#signIn = new SignIn(settings, () => this.#recorder.keep());
    this.#credential = new CredentialPanel({
      settings,
      signIn: this.#signIn,
      recorder: this.#recorder,
      getToken: () => this.#tokenForCredential(),
    });
    for (const button of operationButtons()) {
      const { operation: name } = button.dataset;
      if (isOperationName(name)) button.onclick = () => void this.#work(() => this.#perform(name, {}));
    }
    find('welcome-sign-in').onclick = () => this.#go(() => this.#signIn.signIn());
    // Coming back from the tab in which the emulator's certificate was accepted.
    window.addEventListener('focus', () => {
      if (!this.#authorityIsReachable) void this.#lookForAuthority();
    });
    setInterval(() => tickTimesLeft(), 1_000);
    this.#showSettings();
    this.#showExchanges();
  }

  async start(): Promise<void> {
    let continuation: Continuation | undefined;
    try {
      continuation = await this.#signIn.start();
    } catch (error) {
      this.#showFailure(error);
    }
    this.#showAccount();
    const next = continuation?.operation;
    if (next) await this.#work(() => this.#perform(next, continuation ?? {}));
    else if (continuation) showSuccess('Signed in', 'Now ask the API for a token.');
    else if (!this.#signIn.account) await this.#lookForAuthority();
  }

  /** Asks the API, once there is everything that the request needs. */
  async #perform(name: OperationName, before: Continuation): Promise<void> {
    const { title, method, path, headers = {}, teamsTokenOf, confirm: warning } = operation(name);
    // Who comes back from a sign-in has been asked already.
    if (warning !== undefined && before.operation !== name && !(await confirm(`${title}?`, warning))) return;
    const continuation = { ...before, operation: name };
    const teamsAccount = teamsTokenOf && this.#teamsAccount(teamsTokenOf);
    if (teamsTokenOf && !teamsAccount) {
      this.#askForOtherAccount(continuation);
      return;
    }
    showWork(title);
    const accessToken = await this.#signIn.apiToken(continuation);
    this.#showToken('api', accessToken);
    const teamsToken = teamsAccount && (await this.#signIn.teamsToken(teamsAccount, continuation));
    if (teamsToken) this.#showToken('teams', teamsToken);
    const exchange = await this.#recorder.call(title, `${this.#settings.apiUrl}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${accessToken}`,
        ...(teamsToken ? { 'teams-user-aad-token': teamsToken } : {}),
        ...headers,
      },
    });
    const problem = explain(exchange);
    if (problem) this.#showRefusal(problem, exchange, continuation);
    else this.#showAnswer(name, exchange);
  }

  #showAnswer(name: OperationName, { title, answer, tookInMs }: Exchange): void {
    const { token, user } = (answer?.body ?? {}) as {
      token?: string;
      user?: { communicationUserId?: string };
    };
    if (token) this.#showToken('communication', token);
    if (name === 'deleteUser') {
      this.#tokens.delete('communication');
      this.#showTokens();
      this.#credential.stop('Stopped: its identity was deleted.');
    }
    const details = [
      `The API answered ${answer?.status ?? ''} in ${tookInMs} ms.`,
      ...(user?.communicationUserId ? [`You are ${user.communicationUserId}.`] : []),
    ];
    showSuccess(`${title}: done`, details.join(' '));
  }

  #showRefusal(problem: Explanation, { answer }: Exchange, continuation: Continuation): void {
    const claims = claimsAskedFor(answer?.headers['www-authenticate']);
    const { operation: name } = continuation;
    if (problem.remedy === 'stepUp' && continuation.challenged) {
      showProblem(
        { ...problem, title: 'Still more proof is asked for', remedy: 'signIn' },
        this.#remedies({}),
      );
      return;
    }
    showProblem(problem, {
      ...this.#remedies(continuation),
      ...(claims === undefined
        ? {}
        : {
            stepUp: () => this.#go(() => this.#signIn.stepUp(claims, { ...continuation, challenged: true })),
          }),
      ...(name ? { repeat: () => void this.#work(() => this.#perform(name, continuation)) } : {}),
    });
  }

  #askForOtherAccount(continuation: Continuation): void {
    const actAs = this.#signIn.account?.homeAccountId;
    showProblem(
      {
        title: 'This needs a second account',
        meaning:
          'To see the refusal, this page calls as you and sends along the Teams token of somebody else.',
        whatToDo: 'Sign in with another account too. You stay yourself; the other one only lends its token.',
        remedy: 'otherAccount',
        note: true,
      },
      {
        otherAccount: () =>
          this.#go(() =>
            this.#signIn.signInAnother({ ...continuation, ...(actAs === undefined ? {} : { actAs }) }),
          ),
      },
    );
  }

  #teamsAccount(of: 'me' | 'someone else'): AccountInfo | undefined {
    const { account, accounts } = this.#signIn;
    if (of === 'me') return account;
    return accounts.find(({ homeAccountId }) => homeAccountId !== account?.homeAccountId);
  }

  /** The credential's demonstration begins with a token of the API's. */
  async #tokenForCredential(): Promise<string | undefined> {
    if (!this.#tokens.has('communication')) await this.#work(() => this.#perform('getToken', {}));
    return this.#tokens.get('communication');
  }

  /** One thing at a time; buttons stay enabled meanwhile, so that none loses the focus. */
  async #work(work: () => Promise<void>): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    clearOutcome();
    try {
      await work();
    } catch (error) {
      this.#showFailure(error);
    } finally {
      this.#working = false;
    }
  }

  #go(leave: () => Promise<unknown>): void {
    void this.#work(async () => {
      await leave();
    });
  }

  #showFailure(error: unknown): void {
    if (error instanceof LeavingPage) return;
    showProblem(explainSignIn(error, this.#settings.authority), this.#remedies({}));
  }

  #remedies(continuation: Continuation): Record<'signIn' | 'consent' | 'repeat', () => void> {
    return {
      signIn: () => this.#go(() => this.#signIn.signIn(continuation)),
      consent: () => this.#go(() => this.#signIn.consent(continuation)),
      repeat: () => void this.#lookForAuthority(),
    };
  }

  /** MSAL says little when it cannot reach the authority, so the page looks before anyone clicks. */
  async #lookForAuthority(): Promise<void> {
    const { authority } = this.#settings;
    this.#authorityIsReachable = await fetch(discoveryAddress(authority)).then(
      () => true,
      () => false,
    );
    if (this.#authorityIsReachable) clearOutcome();
    else showProblem(authorityUnreachable(authority), this.#remedies({}));
  }

  #use(homeAccountId: string): void {
    this.#signIn.use(homeAccountId);
    this.#credential.stop('Stopped: you are someone else now.');
    this.#tokens.clear();
    this.#showTokens();
    this.#showAccount();
    const { name, username } = this.#signIn.account ?? {};
    showSuccess(
      `You are now ${name ?? username ?? ''}`,
      'Each account has a communication identity of its own.',
    );
  }

  #showAccount(): void {
    const { account, accounts } = this.#signIn;
    showAccount(account, accounts, {
      signIn: () => this.#go(() => this.#signIn.signIn()),
      signInAnother: () => this.#go(() => this.#signIn.signInAnother()),
      signOut: () => this.#go(() => this.#signIn.signOut()),
      use: (homeAccountId) => this.#use(homeAccountId),
    });
    find('welcome').hidden = account !== undefined;
    for (const button of [...operationButtons(), ...credentialButtons()]) button.disabled = !account;
  }

  #showToken(kind: TokenKind, token: string): void {
    this.#tokens.set(kind, token);
    this.#showTokens();
  }

  /** A token that was opened stays open when it is replaced. */
  #showTokens(): void {
    const tokens = find('tokens');
    const opened = [...tokens.querySelectorAll<HTMLElement>('details[open]')].map(
      (each) => each.dataset.token,
    );
    const views = [...this.#tokens].map(([kind, token]) => {
      const view = tokenView(kind, token);
      if (opened.includes(kind)) view.setAttribute('open', '');
      return view;
    });
    tokens.replaceChildren(...(views.length > 0 ? views : [element('p', { class: 'hint' }, 'Nothing yet.')]));
    tickTimesLeft();
  }

  #showExchanges(): void {
    const views = this.#recorder.exchanges.map((exchange, index) => exchangeView(exchange, index === 0));
    find('exchanges').replaceChildren(
      ...(views.length > 0 ? views : [element('p', { class: 'hint' }, 'Nothing yet.')]),
    );
  }

  #showSettings(): void {
    const { authority, clientId, apiScope, apiUrl } = this.#settings;
    const entries: [string, string][] = [
      ['Authority', authority],
      ['This app’s client id', clientId],
      ['Scope', apiScope],
      ['API', apiUrl],
    ];
    find('settings').replaceChildren(...definitions(entries));
  }
}

function operationButtons(): HTMLButtonElement[] {
  return [...document.querySelectorAll<HTMLButtonElement>('button[data-operation]')];
}

function credentialButtons(): HTMLButtonElement[] {
  return ['credential-start', 'credential-demo'].map((id) => find(id) as HTMLButtonElement);
}

async function main(): Promise<void> {
  const settings = (await (await fetch('/settings.json')).json()) as PlaygroundSettings;
  await new Playground(settings).start();
}

main().catch((error: unknown) => {
  showProblem({
    title: 'This page could not start',
    meaning: error instanceof Error ? error.message : 'No reason was given.',
    whatToDo: 'Reload it. If that does not help, start npm run local again.',
  });
});
