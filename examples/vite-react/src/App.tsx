import type { AccountInfo } from '@azure/msal-browser';
import { useState } from 'react';
import { callApi } from './callApi';
import { Chat } from './Chat';
import { communicationEndpoint } from './settings';
import { signIn, signOut } from './signIn';

/** Signs a user in, gets their communication identity from the API, and opens a chat for it. */
export function App({ account }: { account: AccountInfo | null }) {
  const [userId, setUserId] = useState<string>();
  const [problem, setProblem] = useState<string>();

  if (!account) {
    return (
      <main>
        <h1>Chat</h1>
        <button onClick={() => void signIn()}>Sign in</button>
      </main>
    );
  }

  async function connect(): Promise<void> {
    try {
      const response = await callApi('/api/user', 'POST');
      const { user } = (await response.json()) as { user: { communicationUserId: string } };
      setUserId(user.communicationUserId);
      setProblem(undefined);
    } catch (error) {
      setProblem(String(error));
    }
  }

  const name = account.name ?? account.username;
  return (
    <main>
      <h1>Chat</h1>
      <p>
        Signed in as {name}. <button onClick={() => void signOut()}>Sign out</button>
      </p>
      {problem !== undefined && <p role="alert">{problem}</p>}
      {userId === undefined ? (
        <button onClick={() => void connect()}>Connect</button>
      ) : (
        <Chat endpoint={communicationEndpoint} userId={userId} name={name} />
      )}
    </main>
  );
}
