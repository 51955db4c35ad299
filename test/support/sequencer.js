const { default: Sequencer } = require('@jest/test-sequencer');

/** The files that take longest, mostly waiting. */
const longest = [
  'stores/conformance',
  'api/faults',
  'process/abuse',
  'telemetry/failingCollector',
  'api/secrets',
  'process/server',
  'emulator/commands',
  'stores/soak',
  'api/user',
  'api/races',
  'stores/api',
  'api/callBudget',
];

const isLong = ({ path }) => longest.some((name) => path.endsWith(`${name}.test.ts`));

/** Starts with the longest files, so that no worker has one left in the end. Jest knows the times only after a first run. */
module.exports = class extends Sequencer {
  sort(tests) {
    const ordered = super.sort(tests);
    return [...ordered.filter(isLong), ...ordered.filter((test) => !isLong(test))];
  }
};
