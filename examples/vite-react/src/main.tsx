import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { start } from './signIn';

const container = document.getElementById('root');
if (!container) throw new Error('index.html has no element with the id root.');
const root = createRoot(container);

start().then(
  (account) =>
    root.render(
      <StrictMode>
        <App account={account} />
      </StrictMode>,
    ),
  (error: unknown) => root.render(<p role="alert">The sign-in failed: {String(error)}</p>),
);
