import { createHash } from 'node:crypto';
import { html, type Reply } from '../http/exchange';
import { type User } from '../state/users';

/** The colors and shapes of the playground. */
const style = `
:root {
  color-scheme: light dark;
  --page: #f4f6fb; --card: #fff; --raised: #f1f4fa; --line: #dde3ee; --text: #18202f; --muted: #5a667c;
  --accent: #3b5bdb; --accent-strong: #2f49b8; --on-accent: #fff; --bad: #b42318; --bad-soft: #fdecea;
  --note: #eef1fd; --shadow: 0 1px 2px rgb(24 32 47 / 6%), 0 6px 20px rgb(24 32 47 / 5%);
  font: 100%/1.5 system-ui, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141d; --card: #181e2a; --raised: #212939; --line: #2e3849; --text: #e7ecf5; --muted: #9ba8be;
    --accent: #8ea6ff; --accent-strong: #aebfff; --on-accent: #10141d; --bad: #ff9d92; --bad-soft: #3b1f20;
    --note: #222b45; --shadow: none;
  }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--page); color: var(--text) }
h1, p, ul, pre { margin: 0; padding: 0 }
header { display: flex; align-items: center; gap: .75rem; padding: .75rem clamp(1rem, 3vw, 2rem); background: var(--card); border-bottom: 1px solid var(--line) }
header strong { display: block; font-size: 1.125rem; line-height: 1.3 }
header small, .muted, footer { color: var(--muted); font-size: .8125rem }
main { width: 100%; max-width: 28rem; margin: auto; padding: 1.5rem clamp(.75rem, 3vw, 1.5rem) }
.card { display: grid; gap: .75rem; padding: 1.5rem clamp(1rem, 4vw, 1.5rem); border: 1px solid var(--line); border-radius: .75rem; background: var(--card); box-shadow: var(--shadow) }
h1 { font-size: 1.25rem; line-height: 1.3 }
ul { list-style: none; display: grid; gap: .5rem }
.permissions { display: flex; flex-wrap: wrap; gap: .375rem }
.permissions li { padding: 0 .5rem; border: 1px solid var(--line); border-radius: .375rem; background: var(--raised); font: .8125rem/1.7 ui-monospace, 'Cascadia Code', 'Liberation Mono', Menlo, monospace; overflow-wrap: anywhere }
.note { padding: .625rem .75rem; border-left: 3px solid var(--accent); border-radius: .375rem; background: var(--note); font-size: .875rem }
.problem { padding: .625rem .75rem; border-left: 3px solid var(--bad); border-radius: .375rem; background: var(--bad-soft); color: var(--bad); font-size: .875rem }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-family: ui-monospace, 'Cascadia Code', 'Liberation Mono', Menlo, monospace }
form { display: grid; gap: .75rem }
label { display: grid; gap: .25rem; font-size: .875rem; font-weight: 600 }
button, input { min-height: 2.75rem; width: 100%; padding: .375rem .875rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); color: var(--text); font: inherit }
input { border-color: var(--muted); font-size: 1.25rem; letter-spacing: .15em; text-transform: uppercase }
button { font-size: .875rem; font-weight: 600; cursor: pointer }
button:hover { border-color: var(--accent); color: var(--accent-strong) }
.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent) }
.primary:hover { background: var(--accent-strong); color: var(--on-accent) }
.user { display: flex; align-items: center; gap: .75rem; padding: .625rem .75rem; background: var(--raised); text-align: left }
.user > span:last-child { display: grid; min-width: 0; line-height: 1.35 }
.user small { color: var(--muted); font-weight: 400; overflow-wrap: anywhere }
.avatar { flex: none; display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: 50%; background: var(--accent); color: var(--on-accent); font-size: .8125rem; font-weight: 700 }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
footer { padding: .75rem clamp(1rem, 3vw, 2rem) 1.25rem; text-align: center }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

/**
 * A page without scripts or external resources. No form-action: browsers also apply it to the redirect to the application after the form.
 *
 * @param scriptSource the source of the one script that the page has, if any
 */
export function page(status: number, title: string, content: string, scriptSource?: string): Reply {
  const document = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: Contoso (emulator)</title>
<style>${style}</style>
</head>
<body>
<header><span class="avatar" aria-hidden="true">ID</span><div><strong>Contoso</strong><small>Emulator of Microsoft Entra ID</small></div></header>
<main>
<div class="card">
${content}
</div>
</main>
<footer>This page runs on your own machine. The users are fictional and have no passwords.</footer>
</body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    ...(scriptSource === undefined ? [] : [`script-src ${scriptSource}`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return html(status, document, { 'content-security-policy': policy.join('; ') });
}

/** A button for each user, under the name `user`. */
export function userList(users: readonly User[]): string {
  const items = users.map((user) => {
    const initials = user.name.split(/\s+/).map((word) => word.charAt(0));
    const license = user.teamsLicence ? ', Teams license' : '';
    return `<li><button class="user" name="user" value="${escape(user.objectId)}">
  <span class="avatar" aria-hidden="true">${escape(initials.slice(0, 2).join('').toUpperCase())}</span>
  <span><strong>${escape(user.name)}</strong> <small>${escape(user.userPrincipalName)}${license}</small></span>
</button></li>`;
  });
  return `<ul role="list" aria-label="Users">${items.join('\n')}</ul>`;
}

/** The permissions that an application requests, including the OpenID scopes. */
export function permissionList(application: string, permissions: readonly string[]): string {
  const items = permissions.map((permission) => `<li>${escape(permission)}</li>`);
  return `<p><strong>${escape(application)}</strong> asks for:</p>
<ul role="list" class="permissions" aria-label="Permissions">${items.join('')}</ul>`;
}

export function notes(texts: readonly string[]): string {
  return texts.map((text) => `<p class="note" role="note">${escape(text)}</p>`).join('\n');
}

/** The consent that a user gives by signing in. */
export function consentNote(newPermissions: readonly string[]): string[] {
  return newPermissions.length > 0 ? [`The user you choose consents to: ${newPermissions.join(', ')}.`] : [];
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
