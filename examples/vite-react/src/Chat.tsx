import { useEffect, useState } from 'react';
import { type ChatLine, openThread, type Thread } from './chatThread';
import { createCommunicationCredential } from './communicationCredential';

interface ChatProps {
  endpoint: string;
  userId: string;
  name: string;
}

const pollIntervalInMs = 3_000;

/** A thread with this user in it. The credential lives as long as the component. */
export function Chat({ endpoint, userId, name }: ChatProps) {
  const [expiry, setExpiry] = useState<string>();
  const [thread, setThread] = useState<Thread>();
  const [lines, setLines] = useState<ChatLine[]>([]);
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    const credential = createCommunicationCredential();
    const closing = new AbortController();
    async function open(): Promise<void> {
      const { expiresOnTimestamp } = await credential.getToken();
      setExpiry(new Date(expiresOnTimestamp).toLocaleString());
      // React runs effects twice in development; only one thread must be created.
      if (closing.signal.aborted || endpoint === '') return;
      const opened = await openThread({ endpoint, credential, userId, name });
      if (closing.signal.aborted) return;
      setThread(opened);
      const timer = setInterval(() => {
        opened.lines().then(setLines, showProblem);
      }, pollIntervalInMs);
      closing.signal.addEventListener('abort', () => clearInterval(timer));
    }
    const showProblem = (error: unknown) => {
      if (!closing.signal.aborted) setProblem(String(error));
    };
    open().catch(showProblem);
    return () => {
      closing.abort();
      credential.dispose();
    };
  }, [endpoint, userId, name]);

  async function send(form: FormData): Promise<void> {
    const text = form.get('text');
    if (!thread || typeof text !== 'string' || text === '') return;
    try {
      await thread.send(text);
      setLines(await thread.lines());
    } catch (error) {
      setProblem(String(error));
    }
  }

  return (
    <section>
      <p>Identity: {userId}</p>
      {expiry !== undefined && <p>Token until {expiry}</p>}
      {endpoint === '' && <p>The emulator has no chat service. Set VITE_COMMUNICATION_ENDPOINT to chat.</p>}
      {problem !== undefined && <p role="alert">{problem}</p>}
      {thread && (
        <>
          <ul aria-label="Messages">
            {lines.map(({ id, sender, text }) => (
              <li key={id}>
                {sender}: {text}
              </li>
            ))}
          </ul>
          <form action={send}>
            <input name="text" aria-label="Message" autoComplete="off" />
            <button>Send</button>
          </form>
        </>
      )}
    </section>
  );
}
