import type * as Jose from 'jose' with { 'resolution-mode': 'import' };
import { onDemand } from '../../loadOnDemand';

/** Only a server with such a provider needs it. */
export const loadJose = onDemand(
  () => require('jose') as typeof Jose,
  () => import('jose'),
);
