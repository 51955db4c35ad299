import type { PlaygroundSettings } from '../settings';
import { AccountPanel } from './accountPanel';
import { ActionRunner } from './actionRunner';
import { AuthorityCheck } from './authorityCheck';
import { requestedClaims } from './challenge';
import { CredentialPanel } from './credentialPanel';
import { explain, readResult } from './explain';
import type { Explanation } from './explanations';
import type { Environment } from './requestTrace';
import { TracePanel } from './tracePanel';
import { operation, type OperationName } from './operations';
import { createRecorder, type Exchange, type Recorder } from './recorder';
import { type Continuation, RedirectStarted, SignIn } from './signIn';
import { chosenSignIn } from './signInChoice';
import { explainSignIn, secondAccountNeeded } from './signInProblems';
import { FailurePanel } from './failurePanel';
import type { FailureScenario } from './failureScenarios';
import { showCode } from './view/codeView';
import { connectOperations } from './view/operationButtons';
import { confirm } from './view/confirm';
import { showExchanges } from './view/exchangeView';
import {
  clearOutcome,
  type ExtraAction,
  revealOutcome,
  showProblem,
  showProgress,
  showSuccess,
} from './view/outcomeView';
import { showSettings } from './view/settingsView';
import { TokensPanel } from './view/tokensPanel';
import { updateTimesLeft } from './view/tokenView';
import { showWelcome } from './view/welcomeView';

/** How a request is sent while a failure is simulated. */
interface RequestContext {
  forceRefresh?: boolean;
  /** Instead of one from MSAL. */
  accessToken?: string | undefined;
  scenario?: FailureScenario;
}

/** Connects the buttons of the page with sign-in, API and views. */
export class Playground {
  readonly #settings: PlaygroundSettings;
  readonly #environment: Environment;
  readonly #actions: ActionRunner;
  readonly #recorder: Recorder;
  readonly #signIn: SignIn;
  readonly #account: AccountPanel;
  readonly #authority: AuthorityCheck;
  readonly #credential: CredentialPanel;
  readonly #tokens = new TokensPanel();
  /** Only with the emulator. */
  readonly #trace: TracePanel | undefined;
  readonly #failure: FailurePanel | undefined;

  constructor(allSettings: PlaygroundSettings) {
    const settings = { ...allSettings, ...chosenSignIn(allSettings) };
    this.#settings = settings;
    this.#environment = { provider: settings.provider, store: settings.local?.store ?? 'graph' };
    this.#actions = new ActionRunner({ onStart: clearOutcome, onError: (error) => this.#showFailure(error) });
    this.#recorder = createRecorder({
      onStart: (request) => this.#trace?.begin(request),
      onExchange: (exchange) => this.#showExchange(exchange),
    });
    this.#signIn = new SignIn(settings, () => this.#recorder.save());
    this.#account = new AccountPanel({
      settings,
      signIn: this.#signIn,
      actions: this.#actions,
      beforeRedirect: () => this.#recorder.save(),
      onSwitch: () => this.#showSwitch(),
    });
    this.#authority = new AuthorityCheck(settings.authority, () => this.#remedies({}));
    this.#credential = new CredentialPanel({
      settings,
      signIn: this.#signIn,
      recorder: this.#recorder,
      getToken: () => this.#tokenForCredential(),
    });
    if (settings.local) {
      this.#trace = new TracePanel(this.#environment);
      this.#failure = new FailurePanel({
        environment: this.#environment,
        run: (action) => void this.#actions.run(action),
        send: (scenario, accessToken) => this.#sendScenario(scenario, accessToken),
        userObjectId: () => this.#signIn.account?.localAccountId,
        onEnd: () => showSuccess('Back to normal', 'The simulated failure has ended. Call the API again.'),
      });
    }
    connectOperations({
      perform: (name) => void this.#actions.run(() => this.#perform(name, {})),
      // Only users of Microsoft Entra ID can have a Teams token.
      isOffered: (name) => operation(name).teamsTokenOf === undefined || settings.provider === 'entra',
    });
    setInterval(() => updateTimesLeft(), 1_000);
    showWelcome(allSettings, this.#environment, (choice) => this.#account.signInWith(choice));
    showSettings(settings);
    showCode(operation('getToken'));
    showExchanges(this.#recorder.exchanges);
  }

  async start(): Promise<void> {
    let continuation: Continuation | undefined;
    try {
      continuation = await this.#signIn.start();
    } catch (error) {
      this.#showFailure(error);
    }
    this.#account.show();
    const next = continuation?.operation;
    if (next) await this.#actions.run(() => this.#perform(next, continuation ?? {}));
    else if (continuation) showSuccess('Signed in', 'Now get a token from the API.');
    else if (!this.#signIn.account && !this.#settings.local) await this.#authority.check();
  }

  /** Gets the required tokens and sends the request. */
  async #perform(name: OperationName, before: Continuation, context: RequestContext = {}): Promise<void> {
    const { title, method, path, headers = {}, teamsTokenOf, confirm: warning } = operation(name);
    // After a redirect the user has already confirmed.
    if (warning !== undefined && before.operation !== name && !(await confirm(`${title}?`, warning))) return;
    const continuation = { ...before, operation: name };
    const teamsAccount = teamsTokenOf && this.#signIn.accountOf(teamsTokenOf);
    if (teamsTokenOf && !teamsAccount) {
      this.#requestSecondAccount(continuation);
      return;
    }
    showProgress(title);
    showCode(operation(name));
    const { forceRefresh = false } = context;
    const accessToken = context.accessToken ?? (await this.#signIn.apiToken(continuation, { forceRefresh }));
    this.#tokens.set('api', accessToken);
    const teamsToken = teamsAccount && (await this.#signIn.teamsToken(teamsAccount, continuation));
    if (teamsToken) this.#tokens.set('teams', teamsToken);
    const exchange = await this.#recorder.call(title, `${this.#settings.apiUrl}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${accessToken}`,
        ...(teamsToken ? { 'teams-user-aad-token': teamsToken } : {}),
        ...headers,
      },
    });
    showCode(operation(name), exchange.response?.headers['x-ms-error-code']);
    const problem = explain(exchange);
    if (problem) this.#showError(problem, exchange, continuation);
    else this.#showResult(name, exchange, context.scenario);
    revealOutcome();
  }

  #sendScenario(scenario: FailureScenario, accessToken: string | undefined): Promise<void> {
    const forceRefresh = scenario.newToken ?? false;
    return this.#perform(scenario.operation, {}, { forceRefresh, accessToken, scenario });
  }

  #showExchange(exchange: Exchange): void {
    showExchanges(this.#recorder.exchanges);
    void this.#trace?.end(exchange);
  }

  #showResult(name: OperationName, exchange: Exchange, scenario: FailureScenario | undefined): void {
    const { token, details } = readResult(exchange, scenario?.onSuccess);
    if (token) this.#tokens.set('communication', token);
    if (name === 'deleteUser') {
      this.#tokens.delete('communication');
      this.#credential.stop('Stopped: the identity was deleted.');
    }
    showSuccess(`${scenario?.title ?? exchange.title}: done`, details, this.#backToNormal());
  }

  #showError(problem: Explanation, { response }: Exchange, continuation: Continuation): void {
    const claims = requestedClaims(response?.headers['www-authenticate']);
    const { operation: name } = continuation;
    if (problem.remedy === 'stepUp' && continuation.challenged) {
      showProblem(
        { ...problem, title: 'Additional authentication was not sufficient', remedy: 'signIn' },
        this.#remedies({}),
        this.#backToNormal(),
      );
      return;
    }
    const actions = {
      ...this.#remedies(continuation),
      ...(claims === undefined
        ? {}
        : {
            stepUp: () =>
              this.#actions.redirect(() =>
                this.#signIn.stepUp(claims, { ...continuation, challenged: true }),
              ),
          }),
      ...(name ? { repeat: () => void this.#actions.run(() => this.#perform(name, continuation)) } : {}),
    };
    showProblem(problem, actions, this.#backToNormal());
  }

  #backToNormal(): ExtraAction | undefined {
    const { active, end } = this.#failure ?? {};
    return active && end ? { label: 'Back to normal', run: end } : undefined;
  }

  #requestSecondAccount(continuation: Continuation): void {
    const actAs = this.#signIn.account?.homeAccountId;
    showProblem(secondAccountNeeded, {
      otherAccount: () =>
        this.#actions.redirect(() =>
          this.#signIn.signInAnother({ ...continuation, ...(actAs === undefined ? {} : { actAs }) }),
        ),
    });
  }

  async #tokenForCredential(): Promise<string | undefined> {
    if (!this.#tokens.get('communication')) await this.#actions.run(() => this.#perform('getToken', {}));
    return this.#tokens.get('communication');
  }

  #showFailure(error: unknown): void {
    if (error instanceof RedirectStarted) return;
    showProblem(explainSignIn(error, this.#settings.authority), this.#remedies({}));
  }

  #remedies(continuation: Continuation): Record<'signIn' | 'consent' | 'repeat', () => void> {
    return {
      signIn: () => this.#actions.redirect(() => this.#signIn.signIn(continuation)),
      consent: () => this.#actions.redirect(() => this.#signIn.consent(continuation)),
      repeat: () => void this.#authority.check(),
    };
  }

  #showSwitch(): void {
    this.#credential.stop('Stopped: you have switched accounts.');
    this.#tokens.clear();
    const { name, username } = this.#signIn.account ?? {};
    showSuccess(`Switched to ${name ?? username ?? ''}`, 'Each account has its own communication identity.');
  }
}
