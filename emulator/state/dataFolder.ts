import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../replaceFile';
import { type Directory } from './directory';

/** The state that survives a restart. Sign-ins and tokens do not. */
const savedState = z.strictObject({
  version: z.literal(1),
  users: z.array(
    z.strictObject({
      objectId: z.guid(),
      name: z.string(),
      userPrincipalName: z.string(),
      teamsLicence: z.boolean(),
    }),
  ),
  mappings: z.array(
    z.strictObject({
      userObjectId: z.guid(),
      extension: z.strictObject({
        name: z.string(),
        properties: z.record(z.string(), z.unknown()),
        creatorApp: z.string(),
      }),
    }),
  ),
  identities: z.array(
    z.strictObject({
      id: z.string(),
      createdAt: z.number(),
      customId: z.string().optional(),
      lastTokenIssuedAt: z.number().optional(),
    }),
  ),
  customIds: z.array(z.tuple([z.string(), z.string()])),
});

const saveDelayInMs = 20;

/** Keeps the state of the services in a file, so that it survives a restart. */
export class DataFolder {
  readonly #file: string;
  readonly #directory: Directory;
  #timer: NodeJS.Timeout | undefined;
  #saved = '';
  #closed = false;

  constructor(folder: string, directory: Directory) {
    this.#file = join(folder, 'emulator-state.json');
    this.#directory = directory;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  load(): void {
    if (!existsSync(this.#file)) return;
    const text = readFileSync(this.#file, 'utf8');
    const { users, mappings, identities, customIds } = this.#parse(text);
    this.#directory.users.restore(users);
    this.#directory.extensions.restore(mappings);
    this.#directory.identities.restore({ identities, customIds });
    this.#saved = text;
  }

  /** Soon after a call that may have changed something; several concurrent calls are saved together. */
  changed(): void {
    if (!this.#closed) this.#timer ??= setTimeout(() => this.#save(), saveDelayInMs);
  }

  close(): void {
    this.#closed = true;
    this.#save();
  }

  #save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { users, extensions, identities } = this.#directory;
    const state = { version: 1, users: users.added(), mappings: extensions.all(), ...identities.snapshot() };
    const text = `${JSON.stringify(state, undefined, 2)}\n`;
    if (text === this.#saved) return;
    replaceFile(this.#file, text);
    this.#saved = text;
  }

  #parse(text: string): z.infer<typeof savedState> {
    let problem: string;
    try {
      const parsed = savedState.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      problem = z.prettifyError(parsed.error);
    } catch {
      problem = 'it is not JSON';
    }
    throw new Error(
      `The emulator cannot read its saved state, ${this.#file}: ${problem}. ` +
        'Correct it, or delete it to start without users, mappings and identities of your own.',
    );
  }
}
