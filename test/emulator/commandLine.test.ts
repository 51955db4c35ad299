import { parseCommandLine, parseLocalCommandLine } from '../../emulator/commandLine';

const nothing = { dataFolder: undefined, publicNames: false };

describe('the arguments of the emulator', () => {
  test.each<[string, string[], Record<string, string>, object]>([
    ['none', [], {}, nothing],
    ['--data <folder>', ['--data', 'state'], {}, { ...nothing, dataFolder: 'state' }],
    ['--data=<folder>', ['--data=state'], {}, { ...nothing, dataFolder: 'state' }],
    ['--public-names', ['--public-names'], {}, { ...nothing, publicNames: true }],
    ['EMULATOR_PUBLIC_NAMES=1', [], { EMULATOR_PUBLIC_NAMES: '1' }, { ...nothing, publicNames: true }],
    ['EMULATOR_PUBLIC_NAMES=0', [], { EMULATOR_PUBLIC_NAMES: '0' }, nothing],
    ['both', ['--public-names'], { EMULATOR_PUBLIC_NAMES: '0' }, { ...nothing, publicNames: true }],
  ])('%s', (_name, args, environment, expected) => {
    expect(parseCommandLine(args, environment)).toEqual(expected);
    expect(parseLocalCommandLine(args, environment)).toEqual({ ...expected, store: 'graph', trace: false });
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ['an unknown option', ['--dtaa', 'state'], {}, "Unknown option '--dtaa'"],
    ['an argument without option', ['state'], {}, "Unexpected argument 'state'"],
    ['--data without a folder', ['--data'], {}, "Option '--data <value>' argument missing"],
    ['--data with an empty name', ['--data', ''], {}, '--data must name a folder.'],
    ['a value for --public-names', ['--public-names=no'], {}, 'does not take an argument'],
    ['another EMULATOR_PUBLIC_NAMES', [], { EMULATOR_PUBLIC_NAMES: 'yes' }, 'must be 1 or 0, not "yes"'],
  ])('refuses %s', (_name, args, environment, message) => {
    expect(() => parseCommandLine(args, environment)).toThrow(message);
    expect(() => parseLocalCommandLine(args, environment)).toThrow(message);
  });

  test('has a store and a trace for npm run local alone', () => {
    expect(parseLocalCommandLine(['--trace'], {})).toMatchObject({ trace: true });
    expect(() => parseCommandLine(['--trace'], {})).toThrow("Unknown option '--trace'");
    expect(parseLocalCommandLine(['--store', 'acs'], {})).toEqual({ ...nothing, store: 'acs', trace: false });
    expect(() => parseLocalCommandLine(['--store', 'sql'], {})).toThrow(
      '--store must be one of graph, table, acs.',
    );
    expect(() => parseCommandLine(['--store', 'table'], {})).toThrow("Unknown option '--store'");
  });
});
