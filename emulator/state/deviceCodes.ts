import { randomBytes, randomInt } from 'node:crypto';

/** A device that waits until its user signs in on another one. */
export interface DeviceGrant {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: string;
  readonly expiresAt: number;
  /** How long the device must wait between polls; increased if it polls too often. */
  intervalInMs: number;
  lastPollAt: number;
  state: 'pending' | 'declined' | 'approved' | 'redeemed';
  /** The user who approved it. */
  userObjectId?: string;
}

/** Without letters and digits that are easily confused, because users type the code. */
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const lifetimeInMs = 15 * 60_000;
const intervalInMs = 5_000;
const maxCodes = 1_000;

export class DeviceCodes {
  readonly #byDeviceCode = new Map<string, DeviceGrant>();

  start(clientId: string, scope: string, now: number): DeviceGrant {
    const [oldest] = this.#byDeviceCode.keys();
    if (this.#byDeviceCode.size >= maxCodes && oldest !== undefined) this.#byDeviceCode.delete(oldest);
    const grant: DeviceGrant = {
      deviceCode: randomBytes(32).toString('base64url'),
      userCode: Array.from({ length: 9 }, () => alphabet[randomInt(alphabet.length)]).join(''),
      clientId,
      scope,
      expiresAt: now + lifetimeInMs,
      intervalInMs,
      lastPollAt: -Infinity,
      state: 'pending',
    };
    this.#byDeviceCode.set(grant.deviceCode, grant);
    return grant;
  }

  find(deviceCode: string): DeviceGrant | undefined {
    return this.#byDeviceCode.get(deviceCode);
  }

  /** Finds the device by its user code, if it is still waiting. */
  waiting(userCode: string, now: number): DeviceGrant | undefined {
    const wanted = userCode.toUpperCase().replace(/[\s-]/g, '');
    return this.allWaiting(now).find((grant) => grant.userCode === wanted);
  }

  allWaiting(now: number): DeviceGrant[] {
    return [...this.#byDeviceCode.values()].filter(
      ({ state, expiresAt }) => state === 'pending' && expiresAt > now,
    );
  }

  clear(): void {
    this.#byDeviceCode.clear();
  }
}
