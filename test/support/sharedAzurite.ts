import { sharedAccount, startAzurite } from './azurite';

/** Jest's `globalSetup` for `npm test`. The service ends with Jest's process. */
export default async function shareAzurite(): Promise<void> {
  const { endpoint, accountName, accountKey, secondAccountKey, connectionString } = await startAzurite();
  process.env[sharedAccount] = JSON.stringify({
    endpoint,
    accountName,
    accountKey,
    secondAccountKey,
    connectionString,
  });
}
