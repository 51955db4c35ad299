import type { Browser, Locator, Page } from 'playwright-core';

/** The page as a person meets it: by words and roles. */
export interface PlaygroundPage {
  readonly page: Page;
  /** Script errors, and whatever the content security policy had to stop. */
  readonly complaints: string[];
  /** How the last thing went. */
  readonly outcome: Locator;
  /** Requests and answers, the newest first. */
  readonly exchanges: Locator;
  /** What the credential did. */
  readonly events: Locator;
  token: (kind: 'api' | 'teams' | 'communication') => Locator;
  click: (button: string) => Promise<void>;
  ask: (operation: string) => Promise<void>;
  /** Chooses a user on the emulator's sign-in page. */
  choose: (user: string) => Promise<void>;
  signIn: (user: string) => Promise<void>;
  /** What the button of that name puts on the clipboard. */
  copy: (button: string) => Promise<string>;
  close: () => Promise<void>;
}

/** A visitor of their own, with nothing left of the one before. */
export async function openPlayground(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<PlaygroundPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // The browser itself writes down every refusal of the API.
    if (
      message.type() === 'error' &&
      !/the server responded with a status of [45]\d\d/.test(message.text())
    ) {
      complaints.push(message.text());
    }
  });
  await page.goto(url);

  const click = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();
  const choose = (user: string): Promise<void> =>
    page.getByRole('list', { name: 'Users' }).getByRole('button', { name: user }).click();
  return {
    page,
    complaints,
    outcome: page.getByRole('status'),
    exchanges: page.locator('.exchange'),
    events: page.getByRole('log').getByRole('listitem'),
    token: (kind) => page.locator(`[data-token=${kind}]`),
    click,
    choose,
    ask: (operation) => page.locator('.operation', { hasText: operation }).click(),
    async signIn(user) {
      await click('Sign in');
      await choose(user);
      await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    },
    async copy(button) {
      const copied = page.getByRole('button', { name: 'Copied' });
      // The button pressed before says so for a moment.
      await copied.waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: button, exact: true }).first().click();
      await copied.waitFor();
      return await page.evaluate<string>('navigator.clipboard.readText()');
    },
    close: () => context.close(),
  };
}

/** Waits until the text is there; says what is there instead, if it does not come. */
export async function expectText(locator: Locator, text: string | RegExp): Promise<void> {
  const found = locator.filter({ hasText: text }).first();
  const came = await found.waitFor().then(
    () => true,
    () => false,
  );
  if (!came)
    throw new Error(`Expected ${String(text)}, found ${JSON.stringify(await locator.allInnerTexts())}`);
}
