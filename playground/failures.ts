/** The failures that the page can simulate. Its web server passes them to the emulator. */
const failureNames = [
  'mfa',
  'consent',
  'graphDown',
  'slowAcs',
  'throttled',
  'newKeys',
  'expiredToken',
  'noTeamsLicense',
] as const;

export type FailureName = (typeof failureNames)[number];

export function isFailureName(text: unknown): text is FailureName {
  return failureNames.some((name) => name === text);
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
