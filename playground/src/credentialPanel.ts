import type { AzureCommunicationTokenCredential } from '@azure/communication-common';
import { createCommunicationCredential } from './communicationCredential';
import { withExpiry } from './jwt';
import type { Recorder } from './recorder';
import type { SignIn } from './signIn';
import type { PlaygroundSettings } from '../settings';
import { duration, element, find, timeOfDay } from './view/dom';
import { clearOutcome } from './view/outcomeView';

interface CredentialPanelOptions {
  settings: PlaygroundSettings;
  signIn: SignIn;
  recorder: Recorder;
  /** The initial token for the demonstration; undefined if none could be issued. */
  getToken: () => Promise<string | undefined>;
}

const demonstrationInMs = 10_000;
const pollIntervalInMs = 500;

/** Demonstrates an AzureCommunicationTokenCredential. */
export class CredentialPanel {
  readonly #options: CredentialPanelOptions;
  #credential: AzureCommunicationTokenCredential | undefined;
  /** The token that the credential had at the last check. */
  #lastToken: { token: string; expiresOnTimestamp: number } | undefined;
  /** The token that the demonstration began with, before its expiry was changed. */
  #original: string | undefined;
  /** True if the credential may have a new token. Only then is it read: without a valid token, reading would request one. */
  #mayHaveNewToken = false;

  constructor(options: CredentialPanelOptions) {
    this.#options = options;
    find('credential-start').onclick = () => void this.#start();
    find('credential-demo').onclick = () => void this.#demonstrate();
    find('credential-stop').onclick = () => this.stop('Stopped.');
    setInterval(() => void this.#update(), pollIntervalInMs);
    // The credential reports a failed proactive refresh only as an unhandled rejection.
    window.addEventListener('unhandledrejection', ({ reason }) => {
      if (this.#credential) this.#log(`A refresh failed: ${messageOf(reason)}`);
    });
  }

  stop(reason: string): void {
    if (!this.#credential) return;
    this.#credential.dispose();
    this.#credential = undefined;
    this.#log(reason);
    this.#showState();
  }

  async #start(): Promise<void> {
    this.#create();
    this.#log('Created without a token.');
    try {
      await this.#credential?.getToken();
    } catch (error) {
      this.#log(`No token: ${messageOf(error)}`);
    }
    await this.#update();
  }

  async #demonstrate(): Promise<void> {
    const token = await this.#options.getToken();
    if (token === undefined) return;
    const expiry = Date.now() + demonstrationInMs;
    this.#create(withExpiry(token, expiry));
    this.#original = token;
    this.#log(`Created with a token whose expiry was changed to ${timeOfDay(expiry)}.`);
    await this.#update();
  }

  #create(token?: string): void {
    const { settings, signIn, recorder } = this.#options;
    clearOutcome();
    this.stop('Stopped.');
    find('credential-events').replaceChildren();
    this.#lastToken = undefined;
    this.#original = undefined;
    this.#mayHaveNewToken = token !== undefined;
    this.#credential = createCommunicationCredential(signIn.msal, settings, {
      ...(token === undefined ? {} : { token }),
      send: async (url, init) => {
        this.#log('Requesting a token from the API.');
        const response = await recorder.send('Sent by the credential', urlOf(url), init);
        this.#mayHaveNewToken = response.ok;
        return response;
      },
    });
    this.#showState();
  }

  async #update(): Promise<void> {
    const credential = this.#credential;
    if (credential && this.#mayHaveNewToken)
      await this.#read(credential).catch(() => (this.#mayHaveNewToken = false));
    this.#showState();
  }

  async #read(credential: AzureCommunicationTokenCredential): Promise<void> {
    const current = await credential.getToken();
    if (credential !== this.#credential || current.token === this.#lastToken?.token) return;
    const first = this.#lastToken === undefined;
    this.#mayHaveNewToken = false;
    this.#lastToken = current;
    const left = duration(current.expiresOnTimestamp - Date.now());
    this.#log(
      first ? `Got a token that expires in ${left}.` : `Refreshed: got a token that expires in ${left}.`,
    );
    if (current.token === this.#original) {
      this.#log('It is the token from before: the API returns a recently issued one again.');
    }
  }

  #log(text: string): void {
    const time = element('time', {}, timeOfDay(Date.now()));
    find('credential-events').append(element('li', {}, time, ' ', text));
  }

  #showState(): void {
    const state = find('credential-state');
    state.hidden = this.#credential === undefined;
    (find('credential-stop') as HTMLButtonElement).disabled = this.#credential === undefined;
    state.textContent = 'No token yet.';
    if (!this.#lastToken) return;
    const left = this.#lastToken.expiresOnTimestamp - Date.now();
    state.textContent = left > 0 ? `The token expires in ${duration(left)}.` : 'The token has expired.';
  }
}

function urlOf(target: RequestInfo | URL): string {
  return target instanceof Request ? target.url : String(target);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
