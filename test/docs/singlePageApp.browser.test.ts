import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { pageTimeout, startBrowser } from '../playground/browser';
import { startReadySystem } from '../support/readySystem';
import { type ServedPage, servePage } from '../support/servePage';
import type { System } from '../support/startSystem';
import { projectRoot, readDocument } from './markdown';

/** The files of the guide: the information of a code block is its language and its path. */
const files = readDocument('docs/single-page-app.md').codeBlocks.flatMap(({ info, text }) => {
  const [, path] = /^(?:html|ts) (\S+)$/.exec(info) ?? [];
  return path === undefined ? [] : [{ path, text }];
});

it.each([
  'redirect.html',
  'src/redirect.ts',
  'src/signIn.ts',
  'src/callApi.ts',
  'src/communicationCredential.ts',
])('the template for React has %s as the guide shows it', async (path) => {
  const ofTemplate = await readFile(join(projectRoot, 'examples/vite-react', path), 'utf8');
  expect(files.find((file) => file.path === path)?.text).toBe(ofTemplate);
});

describe('the app of the guide, as pasted', () => {
  let system: System;
  let browser: Browser;
  let folder: string;
  let app: ServedPage;
  beforeAll(async () => {
    [system, browser] = await Promise.all([
      startReadySystem({ CORS_ALLOWED_ORIGINS: 'loopback' }),
      startBrowser(),
    ]);
    folder = await mkdtemp(join(tmpdir(), 'guide-'));
    await buildApp(folder, (text) =>
      text
        .replace('https://localhost:8443', system.emulator.url)
        .replace('http://localhost:3000', system.url),
    );
    app = await servePage(folder);
  });
  afterEach(() => system.emulator.reset());
  afterAll(async () => {
    await browser.close();
    await Promise.all([app.stop(), system.stop()]);
    await rm(folder, { recursive: true });
  });

  /** Opens the app in a new browser profile, and signs a user in. */
  async function signIn(user: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(pageTimeout);
    await page.goto(app.url);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await choose(page, user);
    return page;
  }

  async function choose(page: Page, user: string): Promise<void> {
    await page.getByRole('button', { name: user }).click();
    await page.getByText(`Signed in as ${user}`).waitFor();
  }

  const getToken = (page: Page) => page.getByRole('button', { name: 'Get a token' }).click();
  const token = (page: Page) => page.getByText(/^A token for 8:acs:\S+, until 20/);

  it('signs a user in, and gets a token, also after the network has failed', async () => {
    const page = await signIn('Alice Archer');
    await page.route('**/api/token', (route) => route.abort(), { times: 1 });
    await getToken(page);
    await token(page).waitFor();
    expect(system.emulator.mappings()).toHaveLength(1);
    await page.context().close();
  });

  it('lets the user satisfy a claims challenge', async () => {
    const page = await signIn('Bob Baker');
    const { objectId } = system.emulator.users.bob;
    system.emulator.switches.requireMfaFor.add(objectId);
    await getToken(page);
    await choose(page, 'Bob Baker');
    await getToken(page);
    await token(page).waitFor();
    await page.context().close();
  });

  it('lets the user sign in again when MSAL cannot get a token silently', async () => {
    const page = await signIn('Carol Carver');
    const expired = {
      error: 'interaction_required',
      error_description: 'AADSTS50173: The provided grant has expired due to it being revoked.',
      suberror: 'bad_token',
    };
    await page.route('**/oauth2/v2.0/token*', (route) => route.fulfill({ status: 400, json: expired }), {
      times: 1,
    });
    // MSAL caches the access token; without it, MSAL requests another.
    await page.evaluate(
      "for (const key of Object.keys(sessionStorage)) if (key.includes('accesstoken')) sessionStorage.removeItem(key);",
    );
    await page.evaluate('window.before = true');
    await getToken(page);
    // The user is still signed in at the emulator, which shows no page: the app is loaded again.
    await page.waitForFunction(
      "window.before !== true && document.getElementById('get-token')?.hidden === false",
    );
    await getToken(page);
    await token(page).waitFor();
    await page.context().close();
  });
});

/** Writes the files and bundles the scripts that the pages name; the served files then have the same addresses as with Vite. */
async function buildApp(folder: string, adapt: (text: string) => string): Promise<void> {
  for (const { path, text } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), adapt(text).replaceAll(/(src="\/src\/\w+)\.ts"/g, '$1.js"'));
  }
  await build({
    absWorkingDir: folder,
    entryPoints: ['src/main.ts', 'src/redirect.ts'],
    outdir: 'src',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    nodePaths: [join(projectRoot, 'node_modules')],
    logLevel: 'silent',
  });
}
