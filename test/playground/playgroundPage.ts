import type { Browser, Locator, Page } from 'playwright-core';
import { pageTimeout } from './browser';

/** The page by its texts and roles. */
export interface PlaygroundPage {
  readonly page: Page;
  /** Script errors and violations of the content security policy. */
  readonly consoleErrors: string[];
  /** The result of the last action. */
  readonly outcome: Locator;
  /** The way of the latest request. */
  readonly trace: Locator;
  /** Requests and responses, the newest first. */
  readonly exchanges: Locator;
  /** The log of the credential. */
  readonly events: Locator;
  token: (kind: 'api' | 'teams' | 'communication') => Locator;
  click: (button: string) => Promise<void>;
  sendRequest: (operation: string) => Promise<void>;
  /** Chooses a user on the emulator's sign-in page. */
  choose: (user: string) => Promise<void>;
  signIn: (user: string) => Promise<void>;
  /** The text that the button of that name copies. */
  copy: (button: string) => Promise<string>;
  close: () => Promise<void>;
}

/** Opens the page in a new browser context. */
export async function openPlayground(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<PlaygroundPage> {
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  context.setDefaultTimeout(pageTimeout);
  const page = await context.newPage();
  const consoleErrors: string[] = [];
  page.on('pageerror', (error) => consoleErrors.push(error.message));
  page.on('console', (message) => {
    // The browser itself logs every error response of the API.
    if (
      message.type() === 'error' &&
      !/the server responded with a status of [45]\d\d/.test(message.text())
    ) {
      consoleErrors.push(message.text());
    }
  });
  await page.goto(url);

  const click = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();
  const choose = (user: string): Promise<void> =>
    page.getByRole('list', { name: 'Users' }).getByRole('button', { name: user }).click();
  return {
    page,
    consoleErrors,
    outcome: page.getByRole('status'),
    trace: page.locator('#trace'),
    exchanges: page.locator('.exchange'),
    events: page.getByRole('log').getByRole('listitem'),
    token: (kind) => page.locator(`[data-token=${kind}]`),
    click,
    choose,
    sendRequest: (operation) => page.locator('.operation', { hasText: operation }).click(),
    async signIn(user) {
      await click('Sign in');
      await choose(user);
      await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    },
    async copy(button) {
      const copied = page.getByRole('button', { name: 'Copied' });
      // The button shows a confirmation first.
      await copied.waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: button, exact: true }).first().click();
      await copied.waitFor();
      return await page.evaluate<string>('navigator.clipboard.readText()');
    },
    close: () => context.close(),
  };
}

/** Waits for the text, and reports the actual text if it does not appear. */
export async function expectText(locator: Locator, text: string | RegExp): Promise<void> {
  const found = locator.filter({ hasText: text }).first();
  const came = await found.waitFor().then(
    () => true,
    () => false,
  );
  if (!came)
    throw new Error(`Expected ${String(text)}, found ${JSON.stringify(await locator.allInnerTexts())}`);
}
