import { randomBytes } from 'node:crypto';
import { html, type Reply } from '../http/exchange';
import { type User } from '../state/users';

/** The page on which one chooses whom to be. It needs no script and no password. */
export function signInPage(parts: {
  action: string;
  query: string;
  users: User[];
  application: string;
  permissions: string[];
  /** Those of them that nobody has consented to yet. */
  newPermissions: string[];
  stepUp: boolean;
  consent: boolean;
}): Reply {
  const buttons = parts.users.map(
    (user) => `<li><button name="user" value="${escape(user.objectId)}">
      <strong>${escape(user.name)}</strong> <span>${escape(user.userPrincipalName)}${user.teamsLicence ? ', Teams licence' : ''}</span>
    </button></li>`,
  );
  const notes = [
    ...(parts.stepUp
      ? ['More proof of who you are is asked for. Choosing a user counts as a second factor.']
      : []),
    ...(parts.consent ? ['Consent is asked for. Choosing a user grants it.'] : []),
    ...(parts.newPermissions.length > 0
      ? [`Whom you choose consents to: ${escape(parts.newPermissions.join(', '))}.`]
      : []),
  ];
  return html(
    200,
    page(
      'Sign in',
      `<h1>Sign in</h1>
<p><strong>${escape(parts.application)}</strong> asks for: ${escape(parts.permissions.join(', '))}</p>
${notes.map((note) => `<p role="note">${note}</p>`).join('\n')}
<form method="post" action="${escape(parts.action)}">
  <input type="hidden" name="request" value="${escape(parts.query)}">
  <ul aria-label="Users">${buttons.join('\n')}</ul>
</form>
<p class="small">This is an emulator of Microsoft Entra ID on your own machine. Its users are invented; there is no password.</p>`,
    ),
  );
}

export function errorPage(status: number, description: string): Reply {
  return html(status, page('Sign-in failed', `<h1>Sign-in failed</h1>\n<pre>${escape(description)}</pre>`));
}

export function signedOutPage(): Reply {
  return html(200, page('Signed out', '<h1>Signed out</h1>\n<p>You may close this page.</p>'));
}

/** The answer to a client that wants it posted: a form that sends itself, or waits for a click without scripts. */
export function formPostPage(redirectUri: string, fields: URLSearchParams): Reply {
  const scriptNonce = randomBytes(16).toString('base64');
  const inputs = [...fields].map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  );
  const content = `<form method="post" action="${escape(redirectUri)}">${inputs.join('')}<button>Continue</button></form>
<script nonce="${scriptNonce}">document.forms[0].submit()</script>`;
  return html(200, page('Continue', content), {
    'content-security-policy': `default-src 'none'; script-src 'nonce-${scriptNonce}'; style-src 'unsafe-inline'`,
  });
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: Contoso (emulator)</title>
<style>
  :root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif }
  body { max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
  ul { list-style: none; padding: 0 }
  button { display: block; width: 100%; margin: .5rem 0; padding: .75rem 1rem; font: inherit; text-align: left; cursor: pointer }
  button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
  pre { white-space: pre-wrap }
  .small { font-size: .875rem }
</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
