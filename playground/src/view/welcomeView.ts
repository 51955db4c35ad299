import type { PlaygroundSettings, SignInSettings } from '../../settings';
import type { Environment } from '../requestTrace';
import { providerName, signInChoices } from '../signInChoice';
import { element, find } from './dom';
import { idleStops } from './traceView';

/** The first screen: what happens, and one button for each way to sign in. */
export function showWelcome(
  settings: PlaygroundSettings,
  environment: Environment,
  signIn: (choice: SignInSettings) => void,
): void {
  const choices = signInChoices(settings);
  find('welcome-stops').replaceChildren(idleStops(environment));
  find('welcome-choices').replaceChildren(
    ...choices.map((choice, index) =>
      element(
        'button',
        {
          type: 'button',
          class: index === 0 ? 'primary large' : 'large',
          'aria-describedby': 'welcome-hint',
          onclick: () => signIn(choice),
        },
        choices.length === 1 ? 'Sign in to start' : `Sign in with ${providerName(choice.provider)}`,
      ),
    ),
  );
  find('welcome-hint').textContent = settings.local
    ? 'Your browser warns once about the emulator’s certificate: choose Advanced, then Proceed. You need no password.'
    : 'This page never sees your password.';
}
