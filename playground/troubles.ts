/** What can go wrong behind the API. The page offers it, and its web server lets the emulator do it. */
const troubleNames = [
  'mfa',
  'consent',
  'graphDown',
  'slowAcs',
  'throttled',
  'newKeys',
  'expiredToken',
  'noTeamsLicense',
] as const;

export type TroubleName = (typeof troubleNames)[number];

export function isTroubleName(text: unknown): text is TroubleName {
  return troubleNames.some((name) => name === text);
}

/** One upstream call, as the emulator has recorded it. */
export interface UpstreamCall {
  operation: string;
  /** 0 if there was no response. */
  status: number;
  /** In milliseconds since 1970. */
  startedAt: number;
  /** Absent while it runs. */
  milliseconds?: number;
}
