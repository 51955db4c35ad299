import { settings, type SettingName } from './settings';

/** What is wrong with a setting, what it is for and where to find it. Never its value, which may be a secret. */
export function describeProblem(name: SettingName, problem: 'missing' | 'malformed', suffix = ''): string {
  const { description, source, format } = settings[name];
  return `${name}${suffix} is ${problem}: ${description}. Expected: ${format}. Where to find it: ${source}.`;
}
