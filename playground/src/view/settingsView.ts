import type { PlaygroundSettings } from '../../settings';
import { definitions, find } from './dom';

export function showSettings({ authority, clientId, apiScope, apiUrl, local }: PlaygroundSettings): void {
  const reference = find('api-reference') as HTMLAnchorElement;
  reference.href = `${apiUrl}/docs`;
  // Elsewhere the API may not serve it.
  reference.hidden = local === undefined;
  find('settings').replaceChildren(
    ...definitions([
      ['Authority', authority],
      ['Client ID of this app', clientId],
      ['Scope', apiScope],
      ['API', apiUrl],
    ]),
  );
}
