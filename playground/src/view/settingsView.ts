import type { PlaygroundSettings } from '../../settings';
import { definitions, find } from './dom';

export function showSettings({ authority, clientId, apiScope, apiUrl }: PlaygroundSettings): void {
  find('settings').replaceChildren(
    ...definitions([
      ['Authority', authority],
      ['Client ID of this app', clientId],
      ['Scope', apiScope],
      ['API', apiUrl],
    ]),
  );
}
