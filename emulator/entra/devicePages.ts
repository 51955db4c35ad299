import { type Reply } from '../http/exchange';
import { type User } from '../state/users';
import { consentNote, escape, notes, page, permissionList, userList } from './pageLayout';

/** The form for the code that a device shows. */
export function deviceCodePage(parts: { action: string; code: string; problem?: string }): Reply {
  const { action, code, problem } = parts;
  const described = problem === undefined ? '' : ' aria-invalid="true" aria-describedby="problem"';
  return page(
    problem === undefined ? 200 : 400,
    'Enter code',
    `<h1>Enter code</h1>
<p>Enter the code that your app or device shows.</p>
${problem === undefined ? '' : `<p class="problem" id="problem" role="alert">${escape(problem)}</p>`}
<form method="post" action="${escape(action)}">
<label>Code <input name="code" value="${escape(code)}" required maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false"${described}></label>
<button class="primary">Next</button>
</form>`,
  );
}

/** The choice of the user who signs in on the device, or cancels. */
export function deviceApprovalPage(parts: {
  action: string;
  code: string;
  users: User[];
  application: string;
  permissions: string[];
  newPermissions: string[];
}): Reply {
  return page(
    200,
    'Sign in on a device',
    `<h1>Sign in on your device</h1>
${permissionList(parts.application, parts.permissions)}
${notes([
  `Continue only if your own device shows the code ${parts.code}.`,
  ...consentNote(parts.newPermissions),
])}
<form method="post" action="${escape(parts.action)}">
<input type="hidden" name="code" value="${escape(parts.code)}">
${userList(parts.users)}
<button name="decline" value="1">Cancel</button>
</form>`,
  );
}

export function deviceDonePage(approved: boolean): Reply {
  return approved
    ? page(
        200,
        'Signed in',
        '<h1>You are signed in</h1>\n<p>The device continues by itself. You can close this page.</p>',
      )
    : page(
        200,
        'Canceled',
        '<h1>Sign-in canceled</h1>\n<p>The device is informed. You can close this page.</p>',
      );
}
