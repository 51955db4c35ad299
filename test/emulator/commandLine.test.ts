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
    expect(parseLocalCommandLine(args, environment)).toEqual({
      ...expected,
      provider: 'entra',
      store: 'graph',
      trace: false,
    });
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

  test.each<[string[], object]>([
    [['--trace'], { provider: 'entra', store: 'graph', trace: true }],
    [['--store', 'acs'], { provider: 'entra', store: 'acs' }],
    // A store that the provider can be used with.
    [['--provider', 'b2c'], { provider: 'b2c', store: 'acs' }],
    [['--provider', 'oidc', '--store', 'table'], { provider: 'oidc', store: 'table' }],
  ])('of npm run local: %j', (args, expected) => {
    expect(parseLocalCommandLine(args, {})).toEqual({ ...nothing, trace: false, ...expected });
    expect(() => parseCommandLine(args, {})).toThrow('Unknown option');
  });

  test.each<[string[], string]>([
    [['--store', 'sql'], '--store must be one of graph, table, acs.'],
    [['--provider', 'google'], '--provider must be one of entra, external_id, b2c, oidc.'],
    [['--provider', 'b2c', '--store', 'graph'], 'Choose --store table or acs, or leave it out.'],
  ])('of npm run local, refused: %j', (args, message) => {
    expect(() => parseLocalCommandLine(args, {})).toThrow(message);
  });
});
