import type { Environment } from '../../config/config';
import { providerSettingNames } from '../../config/providers';
import { type SettingName, settings } from '../../config/settings';

const knownNames = Object.keys(settings) as SettingName[];
const maxDistance = 2;
/** In short names, a difference of two letters is often another word. */
const minLengthForDistance = 9;

/** Environment variables that are not settings but resemble one that is not set, with that setting. */
export function findMisspelt(environment: Environment): { found: string; meant: SettingName }[] {
  const unset = knownNames.filter((name) => !environment[name]?.trim());
  return Object.keys(environment).flatMap((found) => {
    if (!environment[found]?.trim() || isSetting(found)) return [];
    const meant = unset.find((name) => isSimilar(found, name));
    return meant === undefined ? [] : [{ found, meant }];
  });
}

function isSetting(name: string): boolean {
  const [base = '', suffix] = name.split('__');
  const known = knownNames.find((candidate) => candidate === base);
  return known !== undefined && (suffix === undefined || providerSettingNames.has(known));
}

function isSimilar(found: string, name: string): boolean {
  const [a, b] = [found, name].map((text) => text.toUpperCase().replace(/[^A-Z0-9]/g, '')) as [
    string,
    string,
  ];
  return a === b || (b.length >= minLengthForDistance && isWithin(a, b, maxDistance));
}

/** Whether the edit distance of two texts is at most `distance`. */
function isWithin(a: string, b: string, distance: number): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const [restOfA, restOfB] = [a.slice(start), b.slice(start)];
  if (restOfA === '' || restOfB === '') return restOfA.length + restOfB.length <= distance;
  if (distance === 0) return false;
  return (
    isWithin(restOfA.slice(1), restOfB.slice(1), distance - 1) ||
    isWithin(restOfA.slice(1), restOfB, distance - 1) ||
    isWithin(restOfA, restOfB.slice(1), distance - 1)
  );
}
