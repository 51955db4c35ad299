import { readFile } from 'node:fs/promises';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { once } from '../loadOnDemand';
import { findProjectFile } from '../projectFile';
import { escapeHtml } from './escapeHtml';
import { methodNotAllowed } from './routes';
import { sendJson } from './sendJson';

export interface LandingOptions {
  /** Whether /docs is served. */
  apiDocs: boolean;
  /** The page that explains the error codes, if there is one. */
  errorDocumentation: string | undefined;
}

const name = 'ACS authentication server';
const description =
  'Exchanges the sign-in of a user for an access token of Azure Communication Services. Call it with a bearer token.';

/** The root: what this server is, and where to look. JSON for programs, a page for browsers. */
export function createLanding({ apiDocs, errorDocumentation }: LandingOptions): RequestHandler {
  const links = {
    ...(apiDocs ? { documentation: '/docs', openapi: '/openapi.json' } : {}),
    ...(errorDocumentation === undefined ? {} : { errors: errorDocumentation }),
    live: '/health/live',
    ready: '/health/ready',
  };
  const version = once(readVersion);
  return async (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      next(methodNotAllowed(request.method, ['GET']));
      return;
    }
    const about = { name, description, version: await version(), links };
    response.vary('Accept');
    // The first one is for clients without a preference, such as curl.
    if (request.accepts(['json', 'html']) === 'html') response.type('html').send(page(about));
    else sendJson(response, 200, about);
  };
}

const packageJson = z.object({ version: z.string() });

async function readVersion(): Promise<string> {
  const text = await readFile(findProjectFile('package.json'), 'utf8');
  return packageJson.parse(JSON.parse(text)).version;
}

interface About {
  name: string;
  description: string;
  version: string;
  links: Readonly<Record<string, string>>;
}

/** Without styles of its own: the policy of this server's responses allows none. */
function page({ name, description, version, links }: About): string {
  const items = Object.entries(links).map(
    ([text, target]) => `<li><a href="${escapeHtml(target)}">${escapeHtml(text)}</a></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
</head>
<body>
<main>
<h1>${name}</h1>
<p>${description}</p>
<ul>
${items.join('\n')}
</ul>
<p>Version ${escapeHtml(version)}</p>
</main>
</body>
</html>
`;
}
