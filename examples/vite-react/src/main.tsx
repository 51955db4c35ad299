import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { start } from './signIn';

const root = createRoot(document.getElementById('root') as HTMLElement);

start().then(
  (account) =>
    root.render(
      <StrictMode>
        <App account={account} />
      </StrictMode>,
    ),
  (error: unknown) => root.render(<p role="alert">The sign-in failed: {String(error)}</p>),
);
