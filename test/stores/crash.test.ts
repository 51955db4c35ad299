import { killUnderLoad } from '../../bench/soak/kills';
import { soakStores } from '../../bench/soak/options';
import { problemsOf } from '../../bench/soak/soak';
import { azuriteStartTimeoutInMs } from '../support/azurite';

/** `npm run soak -- --kills 100` makes more of them. */
it.each(soakStores)(
  'processes that are killed under load leave no user unserved and nothing dangling: %s',
  async (store) => {
    const result = await killUnderLoad(store, 1, 3);
    expect(problemsOf(result)).toEqual([]);
    expect(result.danglingBefore).toBe(0);
  },
  azuriteStartTimeoutInMs,
);
