import { type EmulatorContext } from '../context';
import { json, type Reply } from '../http/exchange';

/** `versioned`: whether the real service adds its list of api-versions to this failure. */
export class AcsError extends Error {
  override readonly name = 'AcsError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly options: { target?: string; headers?: Record<string, string>; versioned?: boolean } = {},
  ) {
    super(message);
  }

  toReply(): Reply {
    const { target, headers } = this.options;
    const error = { code: this.code, message: this.message, ...(target === undefined ? {} : { target }) };
    return json(this.status, { error }, { 'content-type': 'application/json', ...headers });
  }
}

export function denied(message = 'Denied by the resource provider.'): never {
  throw new AcsError(401, 'Denied', message);
}

export function invalid(target: string, message: string): AcsError {
  return new AcsError(400, 'ValidationError', message, { target });
}

/** ACS rejects a missing field in model binding, which writes the field's name with a capital letter. */
export function missing(field: string): AcsError {
  return new AcsError(400, 'ValidationError', `${field}: The ${field} field is required.`, {
    target: field,
    versioned: false,
  });
}

export function goneIdentity(
  { switches }: EmulatorContext,
  status = switches.deletedIdentity.status,
): AcsError {
  const { code, message } = switches.deletedIdentity;
  return new AcsError(status, code, message);
}
