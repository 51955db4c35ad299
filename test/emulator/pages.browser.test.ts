import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type Page } from 'playwright-core';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';
import { pageTimeout, startBrowser } from '../playground/browser';

let emulator: Emulator;
let browser: Browser;
beforeAll(async () => void ([emulator, browser] = await Promise.all([startEmulator(), startBrowser()])));
afterAll(async () => {
  await browser.close();
  await emulator.stop();
});
beforeEach(() => emulator.reset());

interface Violation {
  id: string;
  nodes: { html: string }[];
}

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const folder = process.env.SCREENSHOTS;

const authorizeUrl = (more: Record<string, string> = {}): string => {
  const query = new URLSearchParams({
    client_id: emulator.authClient.clientId,
    response_type: 'code',
    redirect_uri: 'http://localhost:3000',
    scope: `openid profile ${emulator.authServer.appIdUri}/access_as_user User.ReadWrite`,
    ...more,
  });
  return `${emulator.url}/${emulator.tenantId}/oauth2/v2.0/authorize?${query.toString()}`;
};
const deviceUrl = (): string => `${emulator.url}/common/oauth2/deviceauth`;

async function startDevice(): Promise<string> {
  const response = await fetch(`${emulator.url}/${emulator.tenantId}/oauth2/v2.0/devicecode`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: emulator.authClient.clientId, scope: 'User.Read' }),
  });
  return ((await response.json()) as { user_code: string }).user_code;
}

async function enterCode(page: Page, code: string): Promise<void> {
  await page.goto(deviceUrl());
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Next' }).click();
}

const pages: [string, (page: Page) => Promise<unknown>][] = [
  ['sign-in', (page) => page.goto(authorizeUrl({ prompt: 'consent' }))],
  ['sign-in failed', (page) => page.goto(authorizeUrl({ redirect_uri: 'https://attacker.example' }))],
  ['signed out', (page) => page.goto(`${emulator.url}/common/oauth2/v2.0/logout`)],
  ['enter code', (page) => page.goto(deviceUrl())],
  ['wrong code', (page) => enterCode(page, 'WRONG')],
  ['device', async (page) => await enterCode(page, await startDevice())],
];

describe.each(['light', 'dark'] as const)('in %s colors', (colorScheme) => {
  test.each(pages)('the page "%s" is accessible, fits a phone and breaks no policy', async (name, open) => {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width: 320, height: 640 },
    });
    context.setDefaultTimeout(pageTimeout);
    const page = await context.newPage();
    const consoleErrors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('status of 400')) {
        consoleErrors.push(message.text());
      }
    });
    await open(page);
    if (folder !== undefined) {
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), fullPage: true });
    }
    const overflows = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await page.evaluate<boolean>(overflows)).toBe(false);
    const violations = await page.evaluate<Violation[]>(
      `${axe}; axe.run().then(({ violations }) => violations)`,
    );
    expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
    expect(consoleErrors).toEqual([]);
    await context.close();
  });
});

test('a device is approved with the keyboard alone', async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(pageTimeout);
  const page = await context.newPage();
  const code = await startDevice();
  await page.goto(deviceUrl());
  await page.keyboard.press('Tab');
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Sign in on your device' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
  expect(emulator.waitingDevices()).toEqual([]);
  await context.close();
});
