import { replayedChoices, seededChoices } from '../../simulation/choices';
import { storeKinds } from '../../simulation/instance';
import { simulate } from '../../simulation/simulate';

describe('the simulation', () => {
  const dependable = storeKinds.filter((store) => store !== 'graph');

  it.each(dependable)('finds no broken promise with the store %s', async (store) => {
    const schedules = new Set<string>();
    for (let seed = 1; seed <= 400; seed += 1) {
      const { violation, trace } = await simulate({ store, instances: 2 + (seed % 2) }, seededChoices(seed));
      schedules.add(trace.join('\n'));
      if (violation) throw new Error(`seed ${seed}: ${violation.promise}: ${violation.details}`);
    }
    expect(schedules.size).toBeGreaterThan(300);
  });

  it.each(storeKinds)(
    'is the same again with the same seed, or with its recorded choices (%s)',
    async (store) => {
      const options = { store, instances: 3 };
      const run = await simulate(options, seededChoices(7));
      expect(run.trace.length).toBeGreaterThan(10);
      expect((await simulate(options, seededChoices(7))).trace).toEqual(run.trace);
      expect((await simulate(options, replayedChoices(run.choices))).trace).toEqual(run.trace);
    },
  );
});
