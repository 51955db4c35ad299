import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { decodeJwt } from '../../src/authentication/jwt';
import { callsDuring } from '../support/calls';
import { startBrowser } from './browser';
import { expectText, openPlayground, type PlaygroundPage } from './playgroundPage';
import { type PlaygroundSystem, startPlaygroundFor, startPlaygroundSystem } from './playgroundSystem';

jest.setTimeout(120_000);

let browser: Browser;
let system: PlaygroundSystem;
let playground: PlaygroundPage;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  browser = await startBrowser();
  stops.push(() => browser.close());
  system = await startPlaygroundSystem();
  stops.push(() => system.stop());
});
afterAll(() => Promise.all(stops.map((stop) => stop())));

beforeEach(async () => {
  system.emulator.reset();
  playground = await openPlayground(browser, system.playground.url);
});
afterEach(async () => {
  const { consoleErrors } = playground;
  await playground.close();
  expect(consoleErrors).toEqual([]);
});

describe('a user who signs in', () => {
  it('gets a token, refreshes it, and deletes the identity', async () => {
    const { emulator } = system;
    const { sendRequest, click, outcome, exchanges, token, page } = playground;
    const user = emulator.addUser('Dana Dover');
    await playground.signIn('Dana Dover');

    await sendRequest('Who am I?');
    await expectText(outcome, 'You have no communication identity yet');
    await expectText(exchanges.first(), /GET.*\/api\/user.*404 user_not_found.*\d ms/s);

    await sendRequest('Get a token');
    await expectText(outcome, 'Get a token: done');
    const identities = emulator.identities();
    expect(identities).toHaveLength(1);
    const id = identities[0]?.id ?? '';
    await expectText(outcome, id);
    await expectText(exchanges.first(), /GET.*\/api\/token.*200 OK.*\d ms/s);
    await expectText(exchanges.first(), /x-ms-request-id\s*[0-9a-f-]{36}/);
    await expectText(exchanges.first(), /"token": "eyJ[\w-]+…[\w-]+"/);
    expect(decodeJwt(await playground.copy('Copy token'))?.claims.skypeid).toBe(id.slice('8:'.length));
    expect(await playground.copy('Copy as curl')).toMatch(/^curl -i -X GET -H 'authorization: Bearer eyJ/);

    await expectText(token('api'), /\d+ h \d+ min \d+ s left/);
    await expectText(token('communication'), /2[34] h \d+ min \d+ s left/);
    await token('api').locator('summary').click();
    await expectText(token('api'), new RegExp(`oid\\s*${user.objectId}`));
    await expectText(token('api'), /scp\s*access_as_user\s*the permissions/);
    await keepScreenshot(page);

    const again = await callsDuring(emulator, async () => {
      await sendRequest('Get a token');
      await exchanges.nth(2).waitFor();
      await expectText(outcome, 'Get a token: done');
    });
    expect(again).toEqual({});
    const refresh = await callsDuring(emulator, async () => {
      await sendRequest('Refresh the token');
      await expectText(outcome, 'Refresh the token: done');
    });
    expect(refresh).toEqual({ 'acs.token.issue': 1 });
    await expectText(exchanges.first(), /cache-control\s*no-cache/);

    await sendRequest('Delete my identity');
    await click('Cancel');
    await expectText(exchanges.first(), 'no-cache');
    expect(emulator.identities()).toMatchObject([{ id }]);
    await sendRequest('Delete my identity');
    await click('Delete');
    await expectText(outcome, 'Delete my identity: done');
    await expectText(exchanges.first(), /DELETE.*\/api\/user.*204/s);
    expect(emulator.identities()).toEqual([]);

    await click('Sign out');
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  });

  it('can use the keyboard alone', async () => {
    const { emulator } = system;
    const { page, outcome } = playground;
    emulator.addUser('Kim Keys');
    const press = async (name: string | RegExp) => {
      await tabTo(page, name);
      await page.keyboard.press('Enter');
    };
    await press(/^Sign in$/);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await press(/^(KK\s+)?Kim Keys/);
    await expectText(outcome, 'Signed in');
    await press(/^Get a token/);
    await expectText(outcome, 'Get a token: done');
    await press(/^Refresh the token/);
    await expectText(outcome, 'Refresh the token: done');
    await press(/^Delete my identity/);
    await press(/^Delete$/);
    await expectText(outcome, 'Delete my identity: done');
    expect(emulator.identities()).toEqual([]);
  });

  it('exchanges a Teams token', async () => {
    const { outcome, exchanges, token } = playground;
    await playground.signIn('Carol Carver');
    await playground.sendRequest('Exchange as a Teams user');
    await expectText(outcome, 'Exchange as a Teams user: done');
    await expectText(exchanges.first(), /POST.*\/api\/token\/teams.*200 OK/s);
    await token('communication').locator('summary').click();
    await expectText(token('communication'), `orgid:${system.emulator.users.carol.objectId}`);
    await token('teams').locator('summary').click();
    await expectText(token('teams'), /scp\s*Teams.ManageCalls Teams.ManageChats/);
  });

  it('sees that a Teams license is missing', async () => {
    await playground.signIn('Bob Baker');
    await playground.sendRequest('Exchange as a Teams user');
    await expectText(playground.outcome, /rejected the Teams token.*Microsoft Teams license/s);
  });

  it('sees that the Teams token of another user is rejected', async () => {
    const { emulator } = system;
    const { outcome, exchanges, page } = playground;
    await playground.signIn('Bob Baker');
    await playground.sendRequest('Exchange someone else’s Teams token');
    await expectText(outcome, 'This needs a second account');
    await playground.click('Sign in with another account');
    await playground.choose('Carol Carver');

    await expectText(outcome, 'The Teams token belongs to someone else');
    await expectText(exchanges.first(), /POST.*\/api\/token\/teams.*400 teams_token_wrong_user/s);
    expect(emulator.callsTo('acs')).toBe(0);
    const chosen = page.getByRole('combobox', { name: 'Signed in as' }).locator('option:checked');
    expect(await chosen.innerText()).toBe('Bob Baker');
  });
});

describe('a claims challenge', () => {
  it('is satisfied by signing in again, and the request is repeated', async () => {
    const { emulator } = system;
    const { outcome, exchanges, token, page } = playground;
    const user = emulator.addUser('Mia Moss');
    emulator.switches.requireMfaFor.add(user.objectId);
    await playground.signIn('Mia Moss');
    await playground.sendRequest('Get a token');
    await expectText(outcome, 'Additional authentication is required');
    await expectText(exchanges.first(), /401 insufficient_claims/);

    await playground.click('Sign in with additional authentication');
    await page.getByText('counts as a second factor').waitFor();
    await playground.choose('Mia Moss');

    await expectText(outcome, 'Get a token: done');
    await expectText(exchanges.first(), /200 OK/);
    // The first request is still listed, without its tokens.
    await expectText(exchanges.nth(1), /401 insufficient_claims/);
    await token('api').locator('summary').click();
    await expectText(token('api'), /acrs\s*\[.+\]\s*the additional authentication/);
  });

  it('that is repeated does not start another sign-in', async () => {
    const { emulator } = system;
    const user = emulator.addUser('Max Moor');
    emulator.switches.graphRejectsWithClaims.add(user.objectId);
    await playground.signIn('Max Moor');
    await playground.sendRequest('Get a token');
    await playground.click('Sign in with additional authentication');
    await playground.choose('Max Moor');
    await expectText(playground.outcome, 'Additional authentication was not sufficient');
  });
});

it('missing consent is requested, and the request is repeated', async () => {
  const { emulator } = system;
  const user = emulator.addUser('Cleo Cole');
  emulator.switches.consentRequiredFor.add(user.objectId);
  await playground.signIn('Cleo Cole');
  await playground.sendRequest('Get a token');
  await expectText(playground.outcome, 'Consent is missing');
  await playground.click('Consent');
  await playground.page.getByText('Choosing a user grants it').waitFor();
  await playground.choose('Cleo Cole');
  await expectText(playground.outcome, 'Get a token: done');
});

describe('the credential', () => {
  it('gets a token from the API, and refreshes it before it expires', async () => {
    const { emulator } = system;
    const { click, events, exchanges } = playground;
    emulator.addUser('Cory Creed');
    await playground.signIn('Cory Creed');
    await click('Start credential');
    await expectText(events, /Got a token that expires in 2[34] h/);
    await expectText(exchanges.first(), 'Sent by the credential');

    await playground.sendRequest('Get a token');
    await expectText(playground.outcome, 'Get a token: done');
    await click('Show a refresh');
    await expectText(events, /Got a token that expires in \d+ s/);
    await expectText(events, /Refreshed: got a token that expires in 2[34] h/);
    await expectText(exchanges.first(), 'Sent by the credential');
    await click('Stop credential');
    await expectText(events, 'Stopped.');
  });

  it('retries after the time that the API returns', async () => {
    const { emulator } = system;
    const { click, events, exchanges } = playground;
    emulator.addUser('Rory Reed');
    await playground.signIn('Rory Reed');
    emulator.fail({
      operation: 'acs',
      kind: 'status',
      status: 503,
      headers: { 'retry-after': '1' },
      times: 3,
    });
    await click('Start credential');
    await expectText(events, /Got a token that expires in 2[34] h/);
    await expectText(exchanges.last(), /503/);
  });
});

describe('connection problems are explained:', () => {
  it('an API that does not allow the page', async () => {
    // The system's first server allows no origin.
    const foreign = await startPlaygroundFor(system, system.url);
    stops.push(() => foreign.stop());
    const visitor = await openPlayground(browser, foreign.url);
    await visitor.signIn('Bob Baker');
    await visitor.sendRequest('Get a token');
    await expectText(visitor.outcome, `add ${foreign.url} to its CORS_ALLOWED_ORIGINS`);
    await expectText(visitor.exchanges, 'no response');
    await visitor.close();
  });
});

it('fits a phone', async () => {
  const phone = await openPlayground(browser, system.playground.url, {
    viewport: { width: 360, height: 740 },
  });
  system.emulator.addUser('Finn Ford');
  await phone.signIn('Finn Ford');
  await phone.sendRequest('Get a token');
  await expectText(phone.outcome, 'Get a token: done');
  await phone.token('api').locator('summary').click();
  await phone.token('communication').locator('summary').click();
  const [needed, there] = await phone.page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  expect(needed).toBeLessThanOrEqual(there);
  await phone.close();
});

/** Presses Tab until the button of that name has a visible focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const focus = page.locator(':focus');
    const text = (await focus.count()) > 0 ? (await focus.innerText()).trim() : '';
    seen.push(text);
    if (!(typeof name === 'string' ? text === name : name.test(text))) continue;
    expect(await focus.evaluate('(element) => getComputedStyle(element).outlineStyle')).not.toBe('none');
    return;
  }
  throw new Error(`Tab never came to ${String(name)}, but to ${seen.join(' | ')}`);
}

/** Takes the screenshot for the documents, if requested. */
async function keepScreenshot(page: Page): Promise<void> {
  if (!process.env.UPDATE_SCREENSHOTS) return;
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: join(__dirname, '..', '..', 'docs', 'images', 'playground.png') });
}
