import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { externalIdSeed } from './customers/seed';
import type { Emulator } from './emulator';
import type { LoggedRequest } from './http/callLog';
import type { Style } from './terminal';
import { pairwiseSubject } from './tokens/claims';

/** The parts of a server's log entry that the line shows. */
interface RequestEntry {
  time: string;
  requestId: string;
  method: string;
  path: string;
  status: number;
  milliseconds: number;
  user?: string;
  error?: string;
}

interface RequestLinesOptions {
  /** The server's log, from level info up. */
  log: Readable;
  emulator: Pick<Emulator, 'requests' | 'users'>;
  style: Style;
  write: (line: string) => void;
}

/**
 * One line for each request, with its upstream calls, which carry its id (FORWARD_REQUEST_ID=on). Warnings and errors are shown as logged;
 * other entries are left out.
 */
export function showRequestLines({ log, emulator, style, write }: RequestLinesOptions): void {
  createInterface({ input: log }).on('line', (line) => {
    const entry = parse(line);
    if (!entry) write(line);
    else if (isRequest(entry)) {
      if (entry.path.startsWith('/health')) return;
      write(formatRequest(entry, emulator.requests({ clientRequestId: entry.requestId }), emulator, style));
    } else if (!['info', 'debug', 'trace'].includes(String(entry.level))) write(line);
  });
}

function formatRequest(
  { time, method, path, status, milliseconds, user, error }: RequestEntry,
  calls: readonly LoggedRequest[],
  { users }: Pick<Emulator, 'users'>,
  { dim, strong }: Style,
): string {
  // With --provider oidc, the server knows its users by their subject.
  const isUser = (objectId: string): boolean =>
    objectId === user || pairwiseSubject(objectId, externalIdSeed.apiClientId) === user;
  const name = Object.entries(users).find(([, { objectId }]) => isUser(objectId))?.[0] ?? user?.slice(0, 8);
  const failed = status >= 400;
  const behind = calls.map(describeCall).join(' | ');
  const fromMemory = !failed && /^\/(api\/token|getToken)$/.test(path) ? 'from memory' : '';
  return [
    dim(new Date(time).toTimeString().slice(0, 8)),
    method.padEnd(6),
    path.padEnd(16),
    failed ? strong(String(status)) : String(status),
    `${Math.round(milliseconds)} ms`.padStart(7),
    (name ?? '-').padEnd(8),
    [error, behind === '' ? fromMemory : behind].filter(Boolean).join('  '),
  ]
    .join('  ')
    .trimEnd();
}

const names: [operation: string, name: string][] = [
  ['entra.token.on_behalf_of', 'OBO'],
  ['entra', 'keys'],
  ['externalId', 'keys'],
  ['b2c', 'keys'],
  ['graph.extension.create', 'Graph write'],
  ['graph.extension.update', 'Graph update'],
  ['graph.extension.delete', 'Graph delete'],
  ['graph', 'Graph read'],
  ['table.create', 'Table create'],
  ['table.insert', 'Table write'],
  ['table.update', 'Table update'],
  ['table.delete', 'Table delete'],
  ['table', 'Table read'],
  ['acs.identity.create', 'ACS create'],
  ['acs.identity.delete', 'ACS delete'],
  ['acs.token.issue', 'ACS token'],
  ['acs.teams.exchange', 'ACS exchange'],
];

function describeCall({ operation, status, milliseconds }: LoggedRequest): string {
  const known = names.find(([prefix]) => operation === prefix || operation.startsWith(`${prefix}.`));
  const time = milliseconds === undefined ? '…' : String(Math.round(milliseconds));
  const failure = status === 0 ? ' (no response)' : status >= 400 ? ` (${status})` : '';
  return `${known?.[1] ?? operation} ${time}${failure}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isRequest(entry: object): entry is RequestEntry {
  return 'message' in entry && entry.message === 'request' && 'requestId' in entry;
}
