import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page, Route } from 'playwright-core';
import { projectRoot } from '../docs/markdown';
import { pageTimeout, startBrowser } from '../playground/browser';
import { startReadySystem } from '../support/readySystem';
import { type ServedPage, servePage } from '../support/servePage';
import type { System } from '../support/startSystem';

const chatEndpoint = 'https://contoso.communication.example';

/** examples/vite-react, installed and built in a folder of its own, as a reader does. */
describe('the template for Vite and React', () => {
  let system: System;
  let browser: Browser;
  let folder: string;
  let apps: { plain: ServedPage; withChat: ServedPage };

  beforeAll(async () => {
    [system, browser] = await Promise.all([
      startReadySystem({ CORS_ALLOWED_ORIGINS: 'loopback' }),
      startBrowser(),
    ]);
    folder = await mkdtemp(join(tmpdir(), 'vite-react-'));
    await cp(join(projectRoot, 'examples/vite-react'), folder, {
      recursive: true,
      filter: (path) => !['node_modules', 'dist', '.env.local'].includes(basename(path)),
    });
    await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
    await npm(['run', 'build']);
    const withChat = { VITE_COMMUNICATION_ENDPOINT: chatEndpoint };
    await npm(['exec', '--', 'vite', 'build', '--outDir', 'dist-chat'], withChat);
    apps = {
      plain: await servePage(join(folder, 'dist')),
      withChat: await servePage(join(folder, 'dist-chat')),
    };
  }, 600_000);
  afterAll(async () => {
    await browser.close();
    await Promise.all([apps.plain.stop(), apps.withChat.stop(), system.stop()]);
    await rm(folder, { recursive: true });
  });

  async function npm(words: string[], more: Record<string, string> = {}): Promise<void> {
    const { url, tenantId } = system.emulator;
    const settings = { VITE_API_URL: system.url, VITE_AUTHORITY: `${url}/${tenantId}`, ...more };
    await promisify(execFile)('npm', words, { cwd: folder, env: { ...process.env, ...settings } });
  }

  /** Signs Alice in, and lets her connect. */
  async function connect(app: ServedPage): Promise<{ page: Page; problems: string[] }> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(pageTimeout);
    const problems: string[] = [];
    page.on('pageerror', (error) => void problems.push(error.message));
    await page.goto(app.url);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Alice Archer' }).click();
    await page.getByText('Signed in as Alice Archer').waitFor();
    return { page, problems };
  }

  it('ends with a token where there is no chat service', async () => {
    const { page, problems } = await connect(apps.plain);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText(/^Identity: 8:acs:/).waitFor();
    await page.getByText(/^Token until .*\d/).waitFor();
    await page.getByText('The emulator has no chat service').waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('chats in a thread, with the token of the API', async () => {
    const { page, problems } = await connect(apps.withChat);
    const chat = createChatService();
    await page.route(`${chatEndpoint}/**`, chat.respond);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('textbox', { name: 'Message' }).fill('Hello, world');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Alice Archer: Hello, world').waitFor();
    const [identity] = system.emulator.identities();
    expect(chat.participants()).toEqual([identity?.id]);
    expect(new Set(chat.tokenUsers())).toEqual(new Set([identity?.id.replace(/^8:/, '')]));
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

/** The part of the chat service's REST API that the template calls, for one thread, served by the browser. */
function createChatService() {
  const threadId = '19:one@thread.v2';
  const messages: object[] = [];
  const tokens: string[] = [];
  let participants: string[] = [];
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': '*, authorization',
    'access-control-allow-methods': '*',
  };

  function response(method: string, path: string, body: Record<string, unknown> | null): [number, object] {
    const createdOn = new Date().toISOString();
    if (method === 'POST' && path === '/chat/threads') {
      const { topic, participants: invited } = body as unknown as {
        topic: string;
        participants: { communicationIdentifier: { rawId?: string; communicationUser: { id: string } } }[];
      };
      participants = invited.map(
        ({ communicationIdentifier: { communicationUser } }) => communicationUser.id,
      );
      const createdBy = { rawId: participants[0], communicationUser: { id: participants[0] } };
      return [
        201,
        { chatThread: { id: threadId, topic, createdOn, createdByCommunicationIdentifier: createdBy } },
      ];
    }
    if (decodeURIComponent(path) !== `/chat/threads/${threadId}/messages`) return [404, {}];
    if (method === 'GET') return [200, { value: messages }];
    const { content, senderDisplayName } = body as { content: string; senderDisplayName: string };
    const id = randomUUID();
    const version = String(messages.length + 1);
    const message = { type: 'text', content: { message: content }, senderDisplayName, createdOn };
    messages.unshift({ id, sequenceId: version, version, ...message });
    return [201, { id }];
  }

  return {
    participants: () => participants,
    /** The users of the received tokens, from the claim of Communication Services. */
    tokenUsers: () =>
      tokens.map((token) => {
        const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
        return (JSON.parse(claims) as { skypeid: string }).skypeid;
      }),
    respond: async (route: Route): Promise<void> => {
      const request = route.request();
      if (request.method() === 'OPTIONS') return route.fulfill({ status: 204, headers: cors });
      tokens.push((request.headers().authorization ?? '').replace('Bearer ', ''));
      const body = request.postDataJSON() as Record<string, unknown> | null;
      const [status, json] = response(request.method(), new URL(request.url()).pathname, body);
      return route.fulfill({ status, headers: cors, json });
    },
  };
}
