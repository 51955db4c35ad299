import type { Browser } from 'playwright-core';
import { expectAccessible } from './accessibility';
import { startBrowser } from './browser';
import { expectText, openPlayground, type PlaygroundPage } from './playgroundPage';
import { type PlaygroundSystem, startPlaygroundOfProviders, startPlaygroundSystem } from './playgroundSystem';

jest.setTimeout(120_000);

let browser: Browser;
let system: PlaygroundSystem;
let playground: PlaygroundPage;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [browser, system] = await Promise.all([startBrowser(), startPlaygroundSystem()]);
  stops.push(
    () => browser.close(),
    () => system.stop(),
  );
});
afterAll(() => Promise.all(stops.map((stop) => stop())));
beforeEach(() => system.emulator.reset());
afterEach(async () => {
  const { consoleErrors } = playground;
  await playground.close();
  expect(consoleErrors).toEqual([]);
});

test('each call shows its trace, and a second one that nothing was called', async () => {
  playground = await openPlayground(browser, system.playground.url);
  const { sendRequest, trace, outcome, page } = playground;
  await expectAccessible(page, 'welcome');
  system.emulator.addUser('Jo Jensen');
  await playground.signIn('Jo Jensen');
  await expectText(trace, /Entra ID.*issues tokens to the API/s);
  await expectAccessible(page, 'signed-in');

  await sendRequest('Get a token');
  await expectText(trace, '4 upstream calls.');
  const steps = trace.getByRole('list', { name: 'Calls' }).getByRole('listitem');
  const texts = (await steps.allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
  expect(texts).toEqual([
    expect.stringMatching(/^API GET \/api\/token 200 \d+ ms$/),
    expect.stringMatching(/^Entra ID On-Behalf-Of exchange 200 \d+ ms$/),
    expect.stringMatching(/^Microsoft Graph Read the mapping 200 \d+ ms$/),
    expect.stringMatching(/^ACS Find or create the identity 201 \d+ ms$/),
    expect.stringMatching(/^Microsoft Graph Write the mapping 201 \d+ ms$/),
  ]);
  await expectAccessible(page, 'token');

  await sendRequest('Get a token');
  await expectText(trace, 'No upstream call: everything was in memory.');
  await expectText(trace, /ACS\s*from memory/);
  await sendRequest('Refresh the token');
  await expectText(trace, /Microsoft Graph\s*from memory/);
  await expectAccessible(page, 'memory');
  await sendRequest('Delete my identity');
  await page.getByRole('dialog').waitFor();
  await expectAccessible(page, 'dialog');
  await playground.click('Cancel');

  await sendRequest('Who am I?');
  await expectText(outcome, 'Who am I?: done');
  await outcome.getByRole('button', { name: 'Dismiss' }).click();
  await page.locator('#outcome:empty').waitFor({ state: 'attached' });
});

/** By the button: the outcome, the call on the way that shows it, and the line of the client code that handles it. */
const failures: [button: string, outcome: RegExp, step: RegExp, code: string][] = [
  [
    'Require MFA',
    /Additional authentication is required/,
    /On-Behalf-Of exchange\s*400/,
    'claims: atob(claims)',
  ],
  ['Withdraw consent', /Consent is missing/, /On-Behalf-Of exchange\s*400/, "prompt: 'consent'"],
  ['Graph is down', /A service is unavailable/, /Read the mapping\s*503/, 'secondsToWait'],
  ['ACS throttles', /A service is throttling requests/, /Issue a token\s*429/, 'secondsToWait'],
  ['ACS is slow', /A service did not respond in time/, /Issue a token\s*none/, 'secondsToWait'],
  ['Rotate the keys', /loaded it, and accepted the token/, /Load the signing keys\s*200/, ''],
  ['Expired token', /The access token is not valid/, /GET \/api\/user\s*401/, 'forceRefresh: true'],
  ['No Teams license', /rejected the Teams token/, /Exchange the Teams token\s*403/, 'throw new Error'],
];

test('each failure shows the response of the API, its meaning and the code for it, and ends with a click', async () => {
  playground = await openPlayground(browser, system.playground.url, {
    viewport: { width: 390, height: 844 },
  });
  const { click, trace, outcome, page } = playground;
  await playground.signIn('Carol Carver');
  await playground.sendRequest('Get a token');
  await expectText(outcome, 'Get a token: done');
  for (const [button, result, step, code] of failures) {
    const failure = page.getByRole('button', { name: button });
    await failure.click();
    if (button === 'ACS is slow') {
      // While it runs, the calls are shown already.
      await expectText(trace, 'In progress …');
      await expectText(trace, /Issue a token\s*…/);
    }
    await expectText(outcome, result);
    await expectText(trace, step);
    const marked = await page.locator('.part.marked').allInnerTexts();
    expect(marked.join('')).toContain(code);
    expect(marked).toHaveLength(code === '' ? 0 : 1);
    expect(await failure.getAttribute('aria-pressed')).toBe('true');
    if (button === 'Require MFA' || button === 'Graph is down') await expectAccessible(page, button);

    await outcome.getByRole('button', { name: 'Back to normal' }).click();
    await expectText(outcome, 'The simulated failure has ended');
    expect(await failure.getAttribute('aria-pressed')).toBe('false');
    await playground.sendRequest('Who am I?');
    await expectText(outcome, 'Who am I?: done');
  }
  await playground.sendRequest('Exchange as a Teams user');
  await expectText(outcome, 'Exchange as a Teams user: done');
  await click('Sign out');
});

test('the first visit ends signed in, with nothing but the browser’s own warning', async () => {
  const untrustingBrowser = await startBrowser({ trustsEmulator: false });
  stops.push(() => untrustingBrowser.close());
  // Only the name localhost is registered.
  const url = system.playground.url.replace('localhost', '127.0.0.1');
  playground = await openPlayground(untrustingBrowser, url);
  const { click, outcome, page } = playground;
  await page.getByText('Your browser warns once about the emulator’s certificate').waitFor();
  expect(page.url()).toBe(`${system.playground.url}/`);
  expect(await outcome.count()).toBe(0);
  await click('Sign in to start');
  await page.getByText('Your connection is not private').waitFor();
  await page.getByRole('button', { name: 'Advanced' }).click();
  await page.getByRole('link', { name: 'Proceed to localhost' }).click();
  await playground.choose('Alice Archer');
  await expectText(outcome, 'Signed in');
  await playground.sendRequest('Get a token');
  await expectText(outcome, 'Get a token: done');
});

test('users choose among the identity providers of the API', async () => {
  const offered = await startPlaygroundOfProviders(system);
  stops.push(() => offered.stop());
  for (const [name, provider] of [
    ['Microsoft Entra External ID', 'External ID'],
    ['Azure AD B2C', 'Azure AD B2C'],
    ['Microsoft Entra ID', 'Entra ID'],
  ] as const) {
    playground = await openPlayground(browser, offered.url);
    const { sendRequest, click, trace, outcome, page } = playground;
    await expectText(page.getByRole('main'), 'Sign in with Microsoft Entra ID');
    await click(`Sign in with ${name}`);
    await playground.choose('Alice Archer');
    await expectText(outcome, 'Signed in');
    await sendRequest('Get a token');
    await expectText(outcome, 'Get a token: done');
    await expectText(trace, `${provider}not needed`);
    await expectText(trace, 'Find or create the identity');
    const exchange = page.locator('.operation', { hasText: 'Exchange as a Teams user' });
    expect(await exchange.isVisible()).toBe(provider === 'Entra ID');
    if (provider === 'Entra ID') break;
    await click('Sign out');
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    expect(playground.consoleErrors).toEqual([]);
    await playground.close();
  }
});

test('other pages cannot use what the page can do with the emulator', async () => {
  playground = await openPlayground(browser, system.playground.url);
  const call = (path: string, method: string, headers: Record<string, string>) =>
    fetch(`${system.playground.url}/local/${path}`, { method, headers });
  const own = { 'sec-fetch-site': 'same-origin' };
  const statuses = [
    await call('failure', 'DELETE', own),
    await call('failure', 'DELETE', {}),
    await call('failure', 'DELETE', { 'sec-fetch-site': 'cross-site' }),
    await call('calls?since=0', 'GET', { 'sec-fetch-site': 'same-site' }),
    await call('calls?requestId=../settings', 'GET', own),
    await call('failure', 'PUT', own),
  ].map(({ status }) => status);
  expect(statuses).toEqual([204, 403, 403, 403, 400, 400]);
});
