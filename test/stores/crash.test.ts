import { killUnderLoad } from '../../bench/soak/kills';
import { soakStores } from '../../bench/soak/options';
import { problemsOf } from '../../bench/soak/soak';
import { azuriteStartTimeoutInMs } from '../support/azurite';

/** `npm run soak -- --kills 100` makes more of them. */
it.each(soakStores)(
  'a process that is killed under load leaves no user unserved and nothing dangling: %s',
  async (store) => {
    const result = await killUnderLoad(store, 1, 1);
    expect(problemsOf(result)).toEqual([]);
    expect(result.danglingBefore).toBe(0);
  },
  azuriteStartTimeoutInMs,
);
