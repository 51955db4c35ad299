import type { FailureName, UpstreamCall } from '../failures';

/** Emulator operations, through the page's web server. */
export const localTools = {
  /** The upstream calls of one request. */
  callsOf: (requestId: string) => calls(`requestId=${encodeURIComponent(requestId)}`),
  /** All upstream calls since a time: while a request runs, its id is not known yet. */
  callsSince: (milliseconds: number) => calls(`since=${milliseconds}`),

  /** Ends any other failure first. Resolves to an access token if the failure is a bad token. */
  async simulate(name: FailureName, user: string): Promise<{ accessToken?: string }> {
    const response = await fetch('/local/failure', {
      method: 'PUT',
      body: JSON.stringify({ name, user }),
      headers: { 'Content-Type': 'application/json' },
    });
    return (await successful(response).json()) as { accessToken?: string };
  },
  async endFailure(): Promise<void> {
    successful(await fetch('/local/failure', { method: 'DELETE' }));
  },
};

async function calls(query: string): Promise<UpstreamCall[]> {
  return (await successful(await fetch(`/local/calls?${query}`)).json()) as UpstreamCall[];
}

function successful(response: Response): Response {
  if (response.ok) return response;
  throw new Error('The emulator does not respond. Restart npm run local.');
}
