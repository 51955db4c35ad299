import { cloudOfUrl } from '../../config/clouds';
import type { Config } from '../../config/config';
import { addressesOf, addressSettings } from '../addresses';
import { type Check, ok, problem, type Result, warning } from '../check';

/** Whether all services are in the same Microsoft cloud: tokens of one are not accepted in another. */
export function createCloudCheck(config: Config): Check {
  return {
    name: 'cloud',
    group: 'Settings',
    settings: addressSettings,
    run() {
      const inOtherClouds = addressesOf(config).flatMap((address): Result[] => {
        const cloud = cloudOfUrl(address.url);
        const { inAnotherCloud } = address;
        if (cloud === undefined || cloud === config.cloud || inAnotherCloud === 'works') return [];
        const message = `${address.setting} is in the cloud ${cloud}, but the tenant is in ${config.cloud}`;
        if (inAnotherCloud !== undefined) {
          return [
            warning(
              `${message}: Teams tokens of its users cannot be exchanged`,
              'For them, run another server in that cloud. Tokens of their own identities work.',
            ),
          ];
        }
        return address.hasKey
          ? [
              warning(
                `${message}: data of its users leaves their cloud`,
                'Communication Services and tables are reached with a key, so this works. Check that it is allowed.',
              ),
            ]
          : [
              problem(
                message,
                'Set AZURE_CLOUD to the cloud of the tenant, and leave out AZURE_AUTHORITY_HOST and GRAPH_ENDPOINT. Managed identities reach only services of their own cloud.',
              ),
            ];
      });
      return inOtherClouds.length > 0
        ? inOtherClouds
        : ok(`all services belong to ${config.cloud}, or to an emulator`);
    },
  };
}
