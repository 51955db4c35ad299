import type { Browser, Page } from 'playwright-core';
import { expectAccessible } from '../playground/accessibility';
import { pageTimeout, startBrowser } from '../playground/browser';
import { authClient } from '../../emulator/seed';
import { startReadySystem } from '../support/readySystem';
import { type System } from '../support/startSystem';

let system: System;
let browser: Browser;
beforeAll(async () => {
  [system, browser] = await Promise.all([
    startReadySystem({ API_DOCS_CLIENT_ID: authClient.clientId }),
    startBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await system.stop();
});

/** The page, the browser's errors, and the origins that it called. */
async function openDocs(): Promise<{
  page: Page;
  consoleErrors: string[];
  origins: Set<string>;
  url: string;
}> {
  // The emulator, like Entra, accepts redirect URIs on localhost.
  const url = system.url.replace('127.0.0.1', 'localhost');
  const page = await browser.newPage();
  page.setDefaultTimeout(pageTimeout);
  const consoleErrors: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) consoleErrors.push(message.text());
  });
  page.on('pageerror', (error) => void consoleErrors.push(error.message));
  page.context().on('request', (request) => void origins.add(new URL(request.url()).origin));
  await page.goto(`${url}/docs`);
  return { page, consoleErrors, origins, url };
}

async function tryToGetToken(page: Page): Promise<string> {
  const operation = page.locator('#operations-Tokens-issueToken');
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  return operation.locator('.live-responses-table tbody .response-col_status').innerText();
}

describe('the page under /docs, in a browser', () => {
  it('shows every operation, and calls one with a pasted access token', async () => {
    const { page, consoleErrors, origins, url } = await openDocs();
    await page.locator('.opblock').first().waitFor();
    // The names of Microsoft's sample are collapsed, and so are the schemas.
    expect(await page.locator('.opblock').count()).toBe(12);
    expect(await page.locator('section.models .model-container').count()).toBe(0);
    await page.locator('#operations-tag-Sample_names').click();
    expect(await page.locator('.opblock').count()).toBe(17);

    await page.getByRole('button', { name: 'Authorize' }).click();
    const form = page.locator('.auth-container', { hasText: 'accessToken' });
    await expectAccessible(page, 'docs-authorize');
    await form.locator('input').fill(system.emulator.accessToken({ user: system.emulator.addUser() }));
    await form.getByRole('button', { name: 'Authorize' }).click();
    await page.getByRole('button', { name: 'Close' }).first().click();
    expect(await tryToGetToken(page)).toContain('200');
    await page.locator('#operations-Tokens-exchangeTeamsToken .opblock-summary-control').click();
    await expectAccessible(page, 'docs-tried');
    await page.goto(`${url}/docs/errors`);
    await expectAccessible(page, 'errors');
    await page.goto(url);
    await expectAccessible(page, 'landing');
    expect({ consoleErrors, origins: [...origins] }).toEqual({ consoleErrors: [], origins: [url] });
    await page.close();
  });

  it('signs a user in, and calls an operation for them', async () => {
    const { emulator } = system;
    const user = emulator.addUser();
    const { page, consoleErrors, origins, url } = await openDocs();
    await page.getByRole('button', { name: 'Authorize' }).click();
    const form = page.locator('.auth-container', { hasText: 'authorizationCode with PKCE' });
    expect(await form.locator('#client_id_authorizationCode').inputValue()).toBe(
      emulator.authClient.clientId,
    );
    expect(await form.locator('[id^=client_secret]').isVisible()).toBe(false);
    const opened = page.waitForEvent('popup');
    await form.getByRole('button', { name: 'Authorize' }).click();
    const signIn = await opened;
    const closed = signIn.waitForEvent('close');
    await signIn.getByRole('button', { name: user.name }).click();
    await closed;
    await page.getByRole('button', { name: 'Close' }).first().click();
    expect(await tryToGetToken(page)).toContain('200');
    expect(emulator.mappings()).toContainEqual(expect.objectContaining({ userObjectId: user.objectId }));
    expect({ consoleErrors, origins: [...origins] }).toEqual({
      consoleErrors: [],
      origins: [url, emulator.url],
    });
    await page.close();
  });
});
