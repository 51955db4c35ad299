import { existsSync } from 'node:fs';
import type { Environment } from '../../config/config';
import { type Check, ok, problem, warning } from '../check';

const leastNode = [20, 19] as const;

/** Node itself: its version, and whom it trusts. */
export function createRuntimeChecks(
  version: string,
  startedWith: Environment,
  environment: Environment,
): Check[] {
  return [
    {
      name: 'Node',
      run() {
        const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
        const tooOld = major < leastNode[0] || (major === leastNode[0] && minor < leastNode[1]);
        return tooOld
          ? problem(`version ${version} is too old`, `Install Node ${leastNode.join('.')} or newer.`)
          : ok(version);
      },
    },
    {
      name: 'trust',
      run() {
        if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
          return problem(
            'NODE_TLS_REJECT_UNAUTHORIZED=0 makes Node accept any certificate, so that anybody on the way can read the secrets',
            'Remove it, and name the authority that is missing in NODE_EXTRA_CA_CERTS.',
          );
        }
        const { NODE_EXTRA_CA_CERTS: file } = startedWith;
        if (!file && environment.NODE_EXTRA_CA_CERTS) {
          return warning(
            'NODE_EXTRA_CA_CERTS stands in .env, where Node does not see it: it reads it once, at its start',
            'Set it in the environment before the start.',
          );
        }
        if (file && !existsSync(file)) {
          return problem(
            'NODE_EXTRA_CA_CERTS names a file that does not exist',
            'Correct the path, or remove it if no further authority is needed.',
          );
        }
        return ok(file ? 'public authorities, and those in NODE_EXTRA_CA_CERTS' : 'public authorities');
      },
    },
  ];
}
