import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from '../../config/config';
import { type Check, ok, problem, warning } from '../check';

const minNodeVersion = [20, 19] as const;

/** The version of Node.js, and the certificate authorities that it trusts. */
export function createRuntimeChecks(
  version: string,
  startedWith: Environment,
  environment: Environment,
): Check[] {
  return [
    {
      name: 'Node',
      group: 'This machine',
      run() {
        const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
        const tooOld =
          major < minNodeVersion[0] || (major === minNodeVersion[0] && minor < minNodeVersion[1]);
        return tooOld
          ? problem(`version ${version} is too old`, `Install Node ${minNodeVersion.join('.')} or newer.`)
          : ok(version);
      },
    },
    {
      name: 'trust',
      group: 'This machine',
      run() {
        if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
          return problem(
            'NODE_TLS_REJECT_UNAUTHORIZED=0 makes Node.js accept any certificate, so secrets can be intercepted',
            'Remove it, and set NODE_EXTRA_CA_CERTS to the missing certificate authority.',
          );
        }
        const { NODE_EXTRA_CA_CERTS: file } = startedWith;
        if (!file && environment.NODE_EXTRA_CA_CERTS) {
          return warning(
            'NODE_EXTRA_CA_CERTS is set in .env, but Node.js reads it only from the environment',
            'Set it in the environment before you start the server.',
          );
        }
        const unusable = file ? whyUnusable(file) : undefined;
        if (unusable !== undefined) {
          return problem(
            `NODE_EXTRA_CA_CERTS names a file that ${unusable}`,
            'Correct the path, or remove it if no further authority is needed.',
          );
        }
        return ok(file ? 'public authorities, and those in NODE_EXTRA_CA_CERTS' : 'public authorities');
      },
    },
  ];
}

/** Node.js ignores such a file, and Node 20 without a warning. */
function whyUnusable(file: string): string | undefined {
  if (!existsSync(file)) return 'does not exist';
  try {
    return /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(readFileSync(file, 'latin1'))
      ? undefined
      : 'has no certificate in PEM';
  } catch {
    return 'cannot be read';
  }
}
