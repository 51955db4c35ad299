import { randomBytes } from 'node:crypto';
import { type Reply } from '../http/exchange';
import { type User } from '../state/users';
import { consentNote, escape, notes, page, permissionList, userList } from './pageLayout';

/** The page to choose a user. It needs no script and no password. */
export function signInPage(parts: {
  action: string;
  query: string;
  users: User[];
  application: string;
  permissions: string[];
  /** The permissions that are not consented yet. */
  newPermissions: string[];
  stepUp: boolean;
  consent: boolean;
}): Reply {
  const texts = [
    ...(parts.stepUp
      ? ['Additional authentication is required. Choosing a user counts as a second factor.']
      : []),
    ...(parts.consent && parts.newPermissions.length === 0
      ? ['Consent is required. Choosing a user grants it.']
      : []),
    ...consentNote(parts.newPermissions),
  ];
  return page(
    200,
    'Sign in',
    `<h1>Sign in</h1>
${permissionList(parts.application, parts.permissions)}
${notes(texts)}
<form method="post" action="${escape(parts.action)}">
<input type="hidden" name="request" value="${escape(parts.query)}">
${userList(parts.users)}
</form>`,
  );
}

export function errorPage(status: number, description: string): Reply {
  return page(
    status,
    'Sign-in failed',
    `<h1>Sign-in failed</h1>\n<pre class="problem">${escape(description)}</pre>`,
  );
}

export function signedOutPage(): Reply {
  return page(200, 'Signed out', '<h1>Signed out</h1>\n<p>You can close this page.</p>');
}

/** The response in mode form_post: a form that submits itself, or waits for a click if scripts are off. */
export function formPostPage(redirectUri: string, fields: URLSearchParams): Reply {
  const scriptNonce = randomBytes(16).toString('base64');
  const inputs = [...fields].map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  );
  const content = `<h1>Continue</h1>
<form method="post" action="${escape(redirectUri)}">${inputs.join('')}<button class="primary">Continue</button></form>
<script nonce="${scriptNonce}">document.forms[0].submit()</script>`;
  return page(200, 'Continue', content, `'nonce-${scriptNonce}'`);
}
