import { cloudOfUrl } from '../../config/clouds';
import type { Config } from '../../config/config';
import { graphStoreOf } from '../../config/identities';
import { isEntra } from '../../config/providers';
import { type Check, ok, problem, type Result, warning } from '../check';

/** Whether all services are in the same Microsoft cloud: tokens of one are not accepted in another. */
export function createCloudCheck(config: Config): Check {
  return {
    name: 'cloud',
    run() {
      const strangers = addressesOf(config).flatMap((address): Result[] => {
        const cloud = cloudOfUrl(address.url);
        if (cloud === undefined || cloud === config.cloud) return [];
        const message = `${address.setting} is in the cloud ${cloud}, but the tenant is in ${config.cloud}`;
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
      return strangers.length > 0
        ? strangers
        : ok(`all services belong to ${config.cloud}, or to an emulator`);
    },
  };
}

interface Address {
  readonly setting: string;
  readonly url: string;
  readonly hasKey?: boolean;
}

function addressesOf({ providers, communication, identities }: Config): Address[] {
  const graph = graphStoreOf(identities);
  const table = identities.store === 'table' ? identities.table : undefined;
  return [
    ...providers
      .filter(isEntra)
      .map(({ authorityHost }) => ({ setting: 'AZURE_AUTHORITY_HOST', url: authorityHost })),
    ...(graph ? [{ setting: 'GRAPH_ENDPOINT', url: graph.endpoint }] : []),
    {
      setting: 'the Communication Services resource',
      url: communication.endpoint,
      hasKey: communication.accessKey !== undefined,
    },
    ...(table
      ? [{ setting: 'the table service', url: table.endpoint, hasKey: table.accountKey !== undefined }]
      : []),
  ];
}
