import type { Environment } from '../../config/config';
import type { InvalidSetting } from '../../config/configError';
import { settings } from '../../config/settings';
import { type Check, ok, problem, type Result, warning } from '../check';
import { explainMalformed } from '../settings/hints';
import { findMisspelt } from '../settings/spelling';
import { fullName, type UsableConfig } from '../settings/usableConfig';

/** The file that the settings are read from, in addition to the environment. */
export interface SettingsFile {
  readonly path: string;
  readonly exists: boolean;
  /** How many settings it has. */
  readonly count: number;
}

/** Without a file, this many missing settings mean that there was no setup yet. */
const minMissingWithoutSetUp = 3;

const isMissing = ({ reason }: InvalidSetting) => reason === 'missing';

/** The settings file, if there has been no setup yet: it does not exist, and much is missing. */
export function fileToCreate(
  invalidSettings: readonly InvalidSetting[],
  file: SettingsFile | undefined,
): SettingsFile | undefined {
  return file?.exists === false && invalidSettings.filter(isMissing).length >= minMissingWithoutSetUp
    ? file
    : undefined;
}

export function createSettingsChecks(
  environment: Environment,
  { invalidSettings, problems }: UsableConfig,
  file: SettingsFile | undefined,
): Check[] {
  return [
    {
      name: 'settings',
      group: 'Settings',
      run() {
        const noFile = fileToCreate(invalidSettings, file);
        const shown = noFile ? invalidSettings.filter(({ reason }) => reason !== 'missing') : invalidSettings;
        const results = [
          ...(noFile ? [explainNoFile(noFile, invalidSettings.filter(isMissing))] : []),
          ...shown.map((each) => explainInvalid(each, environment)),
          ...problems.map((line) => problem(line)),
        ];
        return results.length > 0 ? results : ok('all required settings are valid');
      },
    },
    {
      name: 'setting names',
      group: 'Settings',
      run() {
        const missing = new Set(invalidSettings.map(fullName));
        return findMisspelt(environment).map(({ found, meant }) => {
          const message = `${found} is not a setting: did you mean ${meant}?`;
          const remedy = `Rename it to ${meant}, or remove it.`;
          return missing.has(meant) ? problem(message, remedy) : warning(message, remedy);
        });
      },
    },
  ];
}

function explainNoFile({ path }: SettingsFile, missing: readonly InvalidSetting[]): Result {
  return problem(
    `there is no file ${path}, and ${missing.length} settings are missing: ${missing.map(fullName).join(', ')}`,
    'To try the server on this machine, run: npm run local. For Azure, scripts/register-apps.sh (or .ps1) writes the file.',
    { docs: 'docs/app-registrations.md' },
  );
}

function explainInvalid(invalid: InvalidSetting, environment: Environment): Result {
  const { description, format, source } = settings[invalid.name];
  const name = fullName(invalid);
  const where = `Where to find it: ${source}.${invalid.instead === undefined ? '' : ` ${invalid.instead}`}`;
  if (invalid.reason === 'missing') return problem(`${name} is missing: ${description}`, where);
  const hint = explainMalformed(invalid.name, environment[name]?.trim() ?? '');
  const what = hint === undefined ? ` (${description})` : `: ${hint}`;
  return problem(`${name} is malformed${what}`, `Expected: ${format}. ${where}`);
}
