import type { FailureName } from '../failures';
import type { Environment } from './requestTrace';
import type { OperationName } from './operations';

export interface FailureScenario {
  readonly name: FailureName;
  readonly title: string;
  readonly about: string;
  /** The request that shows the failure. */
  readonly operation: OperationName;
  /** Get a new access token first: for the current one, the API has all it needs in memory. */
  readonly newToken?: true;
  /** The text to show if the API succeeds anyway. */
  readonly onSuccess: string;
  /** Whether it can happen with this provider and store. */
  readonly occurs: (environment: Environment) => boolean;
}

const onBehalfOf = ({ store }: Environment) => store === 'graph';
const entra = ({ provider }: Environment) => provider === 'entra';
const always = () => true;

export const failureScenarios: readonly FailureScenario[] = [
  {
    name: 'mfa',
    title: 'Require MFA',
    about: 'Entra ID requires a second factor.',
    operation: 'whoAmI',
    newToken: true,
    onSuccess: 'You have already signed in with a second factor. Sign out and in again to see the challenge.',
    occurs: onBehalfOf,
  },
  {
    name: 'consent',
    title: 'Withdraw consent',
    about: 'The API may no longer use Microsoft Graph for you.',
    operation: 'whoAmI',
    newToken: true,
    onSuccess: 'You have already consented.',
    occurs: onBehalfOf,
  },
  {
    name: 'graphDown',
    title: 'Graph is down',
    about: 'Each call to Microsoft Graph fails with 503.',
    operation: 'whoAmI',
    onSuccess: 'The API did not need Microsoft Graph.',
    occurs: onBehalfOf,
  },
  {
    name: 'slowAcs',
    title: 'ACS is slow',
    about: 'Each call to ACS takes 5 seconds. The API waits for 4, tries again, and gives up.',
    operation: 'refresh',
    onSuccess: 'ACS was fast enough.',
    occurs: always,
  },
  {
    name: 'throttled',
    title: 'ACS throttles',
    about: 'Each call to ACS fails with 429 and a Retry-After of 30 seconds.',
    operation: 'refresh',
    onSuccess: 'The API did not need ACS.',
    occurs: always,
  },
  {
    name: 'newKeys',
    title: 'Rotate the keys',
    about: 'Entra ID signs with a new key. The API does not know it yet.',
    operation: 'whoAmI',
    newToken: true,
    onSuccess: 'The API did not know the key of your new access token, loaded it, and accepted the token.',
    occurs: entra,
  },
  {
    name: 'expiredToken',
    title: 'Expired token',
    about: 'The page sends an access token that has expired.',
    operation: 'whoAmI',
    onSuccess: 'The API accepted the token.',
    occurs: entra,
  },
  {
    name: 'noTeamsLicense',
    title: 'No Teams license',
    about: 'You have no Teams license, and exchange a Teams token.',
    operation: 'exchange',
    onSuccess: 'ACS accepted the token.',
    occurs: entra,
  },
];
