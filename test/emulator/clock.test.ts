import { startEmulator, type Emulator } from '../../emulator/startEmulator';

const hourInMs = 3_600_000;

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
afterEach(() => emulator.reset());

const keys = '/organizations/discovery/v2.0/keys';

test.each([
  { hours: 0, path: keys, status: 200 },
  { hours: 3, path: keys, status: 200 },
  { hours: -3, path: keys, status: 200 },
  { hours: 3, path: keys, status: 503, fails: true },
  { hours: 3, path: '/_emulator/calls', status: 200 },
])(
  '$path ($status) has the Date of a clock $hours hours ahead',
  async ({ hours, path, status, fails = false }) => {
    emulator.switches.clockOffsetInMs = hours * hourInMs;
    if (fails) emulator.fail({ operation: 'entra.keys', kind: 'status', status });

    const response = await fetch(`${emulator.url}${path}`);
    const ahead = Date.parse(response.headers.get('date') ?? '') - Date.now();

    expect(response.status).toBe(status);
    expect(ahead / hourInMs).toBeCloseTo(hours, 1);
  },
);
