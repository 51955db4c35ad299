import type { PlaygroundSettings } from '../settings';
import { Playground } from './playground';
import { showProblem } from './view/outcomeView';

async function main(): Promise<void> {
  const settings = (await (await fetch('/settings.json')).json()) as PlaygroundSettings;
  await new Playground(settings).start();
}

main().catch((error: unknown) => {
  showProblem({
    title: 'This page could not start',
    meaning: error instanceof Error ? error.message : 'Unknown error.',
    whatToDo: 'Reload the page. If the error persists, restart npm run local.',
  });
});
