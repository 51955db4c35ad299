import type { AccountInfo } from '@azure/msal-browser';
import { element, find } from './dom';

export interface AccountActions {
  signIn: () => void;
  signInAnother: () => void;
  signOut: () => void;
  use: (homeAccountId: string) => void;
}

/** Shows the current account at the top of the page, and the actions that are available with or without one. */
export function showAccount(
  account: AccountInfo | undefined,
  accounts: AccountInfo[],
  actions: AccountActions,
): void {
  find('account').replaceChildren(
    ...(account ? signedIn(account, accounts, actions) : [signInButton(actions)]),
  );
  find(account ? 'results' : 'main').prepend(find('outcome'));
  find('welcome').hidden = account !== undefined;
  find('workspace').hidden = account === undefined;
}

function signInButton({ signIn }: AccountActions): HTMLElement {
  return element('button', { type: 'button', class: 'primary', onclick: signIn }, 'Sign in');
}

function signedIn(account: AccountInfo, accounts: AccountInfo[], actions: AccountActions): HTMLElement[] {
  return [
    element('span', { class: 'avatar', 'aria-hidden': 'true' }, initialsOf(account)),
    accounts.length > 1
      ? accountSelect(account, accounts, actions)
      : element(
          'span',
          { class: 'who' },
          element('strong', {}, account.name ?? account.username),
          element('small', {}, account.username),
        ),
    element('button', { type: 'button', onclick: actions.signInAnother }, 'Add account'),
    element('button', { type: 'button', onclick: actions.signOut }, 'Sign out'),
  ];
}

function accountSelect(account: AccountInfo, accounts: AccountInfo[], { use }: AccountActions): HTMLElement {
  const select = element(
    'select',
    { 'aria-label': 'Signed in as' },
    ...accounts.map(({ homeAccountId, name, username }) =>
      element(
        'option',
        { value: homeAccountId, selected: homeAccountId === account.homeAccountId },
        name ?? username,
      ),
    ),
  );
  select.addEventListener('change', () => use(select.value));
  return select;
}

function initialsOf({ name, username }: AccountInfo): string {
  const words = (name ?? username).split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => word?.[0] ?? '').join('');
}
