import type { PlaygroundSettings } from '../settings';
import { Playground } from './playground';
import { showProblem } from './view/outcomeView';

async function main(): Promise<void> {
  const response = await fetch('/settings.json');
  if (!response.ok) throw new Error('The emulator does not respond.');
  await new Playground((await response.json()) as PlaygroundSettings).start();
}

main().catch((error: unknown) => {
  showProblem({
    title: 'This page could not start',
    meaning: error instanceof Error ? error.message : 'Unknown error.',
    whatToDo: 'Reload the page. If the error persists, restart npm run local.',
  });
});
