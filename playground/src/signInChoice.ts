import type { PlaygroundSettings, SignInSettings } from '../settings';

const storageKey = 'playground.provider';

const names: Record<string, string> = {
  entra: 'Microsoft Entra ID',
  external_id: 'Microsoft Entra External ID',
  b2c: 'Azure AD B2C',
  oidc: 'OpenID Connect',
};

export function providerName(provider: string): string {
  return names[provider] ?? provider;
}

/** All ways to sign in that the API accepts. */
export function signInChoices({ otherSignIns = [], ...first }: PlaygroundSettings): SignInSettings[] {
  return [first, ...otherSignIns];
}

/** The way that was chosen in this tab, or the first. */
export function chosenSignIn(settings: PlaygroundSettings): SignInSettings {
  const provider = sessionStorage.getItem(storageKey);
  return signInChoices(settings).find((choice) => choice.provider === provider) ?? settings;
}

/** For this tab, also after the redirect to the sign-in page. */
export function chooseSignIn({ provider }: SignInSettings): void {
  sessionStorage.setItem(storageKey, provider);
}
