import { type EmulatorContext } from '../context';
import { type Call, declaredForm, form, header, type Reply } from '../http/exchange';
import { fail } from './errors';

/** The form of a token request. A client's id and secret may also come by HTTP Basic (RFC 6749, section 2.3.1). */
export function tokenForm(call: Call): URLSearchParams {
  const fields = form(call);
  const basic = /^Basic +(\S+)$/i.exec(header(call, 'authorization') ?? '')?.[1];
  if (basic === undefined) return fields;
  const [, id, secret] = /^(.*?):(.*)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? [];
  if (id === undefined || secret === undefined) return fields;
  if (!fields.has('client_id')) fields.set('client_id', formDecoded(id));
  if (!fields.has('client_secret')) fields.set('client_secret', formDecoded(secret));
  return fields;
}

function formDecoded(text: string): string {
  // Escape the two characters that end a form value.
  return new URLSearchParams(`value=${text.replace(/[&#]/g, encodeURIComponent)}`).get('value') ?? '';
}

/** A field of a token request; an empty one counts as missing. */
export function required(fields: URLSearchParams, name: string): string {
  const value = fields.get(name);
  if (value) return value;
  fail({
    status: 400,
    error: 'invalid_request',
    code: 900144,
    message: `The request body must contain the following parameter: '${name}'.`,
  });
}

export function rejectGrantType(_context: EmulatorContext, call: Call): Reply {
  const grantType = required(declaredForm(call), 'grant_type');
  fail({
    status: 400,
    error: 'unsupported_grant_type',
    code: 70003,
    message: `The app requested an unsupported grant type '${grantType}'.`,
  });
}
