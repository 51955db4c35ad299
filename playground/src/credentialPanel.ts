import type { AzureCommunicationTokenCredential } from '@azure/communication-common';
import { createCommunicationCredential } from './communicationCredential';
import { withOtherEnd } from './jwt';
import type { Recorder } from './recorder';
import type { SignIn } from './signIn';
import type { PlaygroundSettings } from '../settings';
import { duration, element, find, timeOfDay } from './view/dom';

interface Parts {
  settings: PlaygroundSettings;
  signIn: SignIn;
  recorder: Recorder;
  /** The token to begin the demonstration with; undefined if there is none to be had. */
  getToken: () => Promise<string | undefined>;
}

const demonstrationInMs = 10_000;

/** Shows an AzureCommunicationTokenCredential at work. */
export class CredentialPanel {
  readonly #parts: Parts;
  #credential: AzureCommunicationTokenCredential | undefined;
  /** The token that it was last seen with. */
  #seen: { token: string; expiresOnTimestamp: number } | undefined;
  /** Only then is it asked what it holds: without a token that is good, the question would make it fetch one. */
  #mayHoldNew = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    find('credential-start').onclick = () => void this.#start();
    find('credential-demo').onclick = () => void this.#demonstrate();
    find('credential-stop').onclick = () => this.stop('Stopped.');
    setInterval(() => void this.#look(), 500);
    // A proactive refresh that fails has nobody else to tell.
    window.addEventListener('unhandledrejection', ({ reason }) => {
      if (this.#credential) this.#note(`A refresh failed: ${messageOf(reason)}`);
    });
  }

  stop(why: string): void {
    if (!this.#credential) return;
    this.#credential.dispose();
    this.#credential = undefined;
    this.#note(why);
    this.#showState();
  }

  async #start(): Promise<void> {
    this.#create();
    this.#note('Created without a token.');
    try {
      await this.#credential?.getToken();
    } catch (error) {
      this.#note(`It got none: ${messageOf(error)}`);
    }
    await this.#look();
  }

  async #demonstrate(): Promise<void> {
    const token = await this.#parts.getToken();
    if (token === undefined) return;
    const end = Date.now() + demonstrationInMs;
    this.#create(withOtherEnd(token, end));
    this.#note(`Created with a token that seems to end at ${timeOfDay(end)}.`);
    await this.#look();
  }

  #create(token?: string): void {
    const { settings, signIn, recorder } = this.#parts;
    this.stop('Stopped, for another one.');
    find('credential-events').replaceChildren();
    this.#seen = undefined;
    this.#mayHoldNew = token !== undefined;
    this.#credential = createCommunicationCredential(signIn.msal, settings, {
      ...(token === undefined ? {} : { token }),
      send: async (url, init) => {
        this.#note('It asks the API for a token.');
        const answer = await recorder.send('Asked by the credential', addressOf(url), init);
        this.#mayHoldNew = answer.ok;
        return answer;
      },
    });
    this.#showState();
  }

  async #look(): Promise<void> {
    const credential = this.#credential;
    if (credential && this.#mayHoldNew) await this.#read(credential).catch(() => (this.#mayHoldNew = false));
    this.#showState();
  }

  async #read(credential: AzureCommunicationTokenCredential): Promise<void> {
    const held = await credential.getToken();
    if (credential !== this.#credential || held.token === this.#seen?.token) return;
    const first = this.#seen === undefined;
    this.#mayHoldNew = false;
    this.#seen = held;
    const left = duration(held.expiresOnTimestamp - Date.now());
    this.#note(
      first ? `It holds a token with ${left} left.` : `Refreshed: it now holds a token with ${left} left.`,
    );
  }

  #note(text: string): void {
    const time = element('time', {}, timeOfDay(Date.now()));
    find('credential-events').append(element('li', {}, time, ' ', text));
  }

  #showState(): void {
    const state = find('credential-state');
    state.hidden = this.#credential === undefined;
    (find('credential-stop') as HTMLButtonElement).disabled = this.#credential === undefined;
    state.textContent = 'It has no token yet.';
    if (!this.#seen) return;
    const left = this.#seen.expiresOnTimestamp - Date.now();
    state.textContent = left > 0 ? `Its token has ${duration(left)} left.` : 'Its token has ended.';
  }
}

function addressOf(target: RequestInfo | URL): string {
  return target instanceof Request ? target.url : String(target);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'no reason was given';
}
