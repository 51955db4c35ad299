import type { Config } from '../../config/config';
import { isLoopback } from '../../config/formats';
import { addressesOf, addressSettings } from '../addresses';
import { type Check, ok, problem } from '../check';

/** With NODE_ENV=production, no service may be emulated. */
export function createProductionChecks(config: Config): Check[] {
  if (!config.production) return [];
  return [
    {
      name: 'production',
      group: 'Settings',
      settings: addressSettings,
      run() {
        const local = addressesOf(config).filter(({ url }) => isLoopback(new URL(url)));
        return local.length === 0
          ? ok('NODE_ENV=production, and no service is on this machine')
          : problem(
              `NODE_ENV=production, but these are on this machine: ${local.map(({ setting }) => setting).join(', ')}`,
              'Set the services in Azure; for development, leave NODE_ENV out.',
              { cause: 'The settings are those of an emulator, which lets anyone sign in as anyone.' },
            );
      },
    },
  ];
}
