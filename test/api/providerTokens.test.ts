import { generateKeyPairSync } from 'node:crypto';
import { type AccessTokenOptions, allDefects, type Defect } from '../../emulator/startEmulator';
import { type ApiResponse, expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { fakeMonotonicClock } from '../support/clock';
import { testProviders } from '../support/providers';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { until } from '../support/until';
import { type Forbidden, type Outcome, outcomes } from '../support/tokenOutcomes';

const rsaKey = () => generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' });
const otherRsaKey = rsaKey();
const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => {
  jest.restoreAllMocks();
  system.emulator.reset();
});
afterAll(() => system.stop());

/** The outcomes for tokens with defects that differ from those of Entra ID. */
const others: Partial<Record<Defect, Outcome>> = {
  graph_audience: { invalid: 'wrong_audience' },
  // Auth0 and others send an array if a token is for two APIs.
  audience_array: 'accepted',
  id_token: { invalid: 'id_token' },
  id_token_for_api: { invalid: 'id_token' },
  scope_array: 'accepted',
  typ_missing: 'accepted',
  no_tid: 'accepted',
  other_tenant: { invalid: 'wrong_issuer' },
  tenant_mismatch: 'accepted',
  no_oid: 'accepted',
  scope_in_roles: 'app_only_token',
};

const differences: Record<(typeof testProviders)[number]['kind'], Partial<Record<Defect, Outcome>>> = {
  external_id: {
    no_tid: { invalid: 'wrong_tenant' },
    tenant_mismatch: { invalid: 'wrong_tenant' },
    no_oid: { invalid: 'no_subject' },
  },
  b2c: {},
  oidc: {},
};

describe.each(testProviders)('$kind', (provider) => {
  const { kind } = provider;
  const settings = () => ({ IDENTITY_STORE: 'acs', ...provider.settings(system.emulator) });
  const token = (options?: AccessTokenOptions) => provider.tenant(system.emulator).accessToken(options);
  const call = (accessToken?: string) => server.call('get', '/exchangeToken', accessToken);
  let server: TestServer;
  beforeAll(async () => (server = await startReadyServer(system, settings())));

  /** Authentication has passed; the operation is for users of Entra only, and says so without a call. */
  function expectAccepted(response: ApiResponse): void {
    expectError(response, { status: 403, code: 'teams_exchange_not_supported' });
  }

  function expectInvalid(response: ApiResponse, reason: string): void {
    expectError(response, {
      status: 401,
      code: 'invalid_token',
      innererror: { code: reason },
      challenge: {
        ...provider.challenge(system.emulator),
        error: 'invalid_token',
        error_description: expect.any(String),
      },
    });
  }

  function expectForbidden(response: ApiResponse, code: Forbidden): void {
    const { realm } = provider.challenge(system.emulator);
    const challenge = {
      realm,
      error: 'insufficient_scope',
      scope: 'access_as_user',
      error_description: expect.any(String) as unknown,
    };
    expectError(response, { status: 403, code, challenge });
  }

  function expectOutcome(response: ApiResponse, outcome: Outcome): void {
    if (outcome === 'accepted') expectAccepted(response);
    else if (typeof outcome === 'string') expectForbidden(response, outcome);
    else expectInvalid(response, outcome.invalid);
  }

  it.each(allDefects)('responds to a token with the defect %s', async (defect) => {
    const made = await callsDuring(system.emulator, async () =>
      expectOutcome(await call(token({ defect })), { ...outcomes, ...others, ...differences[kind] }[defect]),
    );
    // An unknown key may be new, so the keys are fetched once.
    expect(made).toEqual(defect === 'unknown_key' ? provider.metadataCalls : {});
  });

  it.each<[string, AccessTokenOptions]>([
    ['as it is issued', {}],
    ['of the type of RFC 9068', { header: { typ: 'at+jwt' } }],
    ['of the long type of RFC 9068', { header: { typ: 'application/at+jwt' } }],
    ['with more scopes', { scope: 'openid access_as_user profile' }],
    ['with its scopes in the claim scope', { scope: null, claims: { scope: 'openid access_as_user' } }],
    ['expired within the tolerance for clocks', { claims: expiredClaims(100) }],
    ['valid from within the tolerance for clocks', { claims: { nbf: nowInSeconds() + 250 } }],
    ['without a start', { claims: { nbf: undefined } }],
    ['with an address of keys, which is ignored', { header: { jku: 'https://attacker.example/keys' } }],
    ['with an address for certificates', { header: { x5u: 'https://attacker.example/certificate' } }],
  ])('accepts a token %s', async (_, options) => {
    const made = await callsDuring(system.emulator, async () => expectAccepted(await call(token(options))));
    expect(made).toEqual({});
  });

  it.each<[string, AccessTokenOptions, string]>([
    ['expired beyond the tolerance for clocks', { claims: expiredClaims(301) }, 'token_expired'],
    ['with an expiry that is text', { claims: { exp: '9999999999' } }, 'no_expiry'],
    ['with a start that is text', { claims: { nbf: '0' } }, 'malformed_token'],
    ['with an issue time that is text', { claims: { iat: 'now' } }, 'malformed_token'],
    ['with several issuers', { claims: { iss: ['https://localhost'] } }, 'wrong_issuer'],
    ['with an audience that is an object', { claims: { aud: {} } }, 'wrong_audience'],
    ['with a user that is not text', { claims: { oid: ['a'], sub: ['a'] } }, 'no_subject'],
    ['with a user that is empty', { claims: { oid: '', sub: '' } }, 'no_subject'],
    ['with a key id that is not text', { header: { kid: 7 } }, 'unknown_key'],
    ['with an empty key id', { header: { kid: '' } }, 'unknown_key'],
    ['of another type', { header: { typ: 'dpop+jwt' } }, 'malformed_token'],
    ['of a type that is not text', { header: { typ: 7 } }, 'malformed_token'],
    ['with an unsupported critical header', { header: { crit: ['b64'], b64: false } }, 'malformed_token'],
    ['with an algorithm that does not fit its key', { header: { alg: 'ES256' } }, ''],
  ])('refuses a token %s', async (_, options, reason) => {
    const made = await callsDuring(system.emulator, async () =>
      expectInvalid(await call(token(options)), reason || 'wrong_algorithm'),
    );
    expect(made).toEqual({});
  });

  it('refuses a request without a token, and one that is too large to be a token', async () => {
    const { realm } = provider.challenge(system.emulator);
    expectError(await call(), { status: 401, code: 'missing_token', challenge: { realm } });
    const oversized = await call(token({ claims: { filler: 'x'.repeat(60_000) } })).catch(() => undefined);
    expect(oversized?.status ?? 431).toBe(431);
  });

  it('refuses the ID token and the app-only token of the provider', async () => {
    const tenant = provider.tenant(system.emulator);
    expectInvalid(await call(tenant.idToken()), 'id_token');
    expectForbidden(await call(tenant.appOnlyToken()), 'app_only_token');
  });

  describe('signing keys', () => {
    const unknownKey = () => token({ defect: 'unknown_key' });
    const tenant = () => provider.tenant(system.emulator);

    it('are fetched once when they were rotated, and a withdrawn one is refused from then on', async () => {
      server = await startReadyServer(system, settings());
      const old = token();
      expectAccepted(await call(old));
      tenant().rotateKeys();
      const made = await callsDuring(system.emulator, async () => {
        const responses = await Promise.all(Array.from({ length: 20 }, () => call(token())));
        responses.forEach(expectAccepted);
      });
      expect(made).toEqual(provider.metadataCalls);
      expectInvalid(await call(old), 'unknown_key');
    });

    it('are not fetched for every unknown key id, and a rotated key is still accepted within 10 s', async () => {
      server = await startReadyServer(system, settings());
      const clock = fakeMonotonicClock();
      const made = await callsDuring(system.emulator, async () => {
        for (let count = 0; count < 10; count += 1) expectInvalid(await call(unknownKey()), 'unknown_key');
      });
      expect(made).toEqual(provider.metadataCalls);
      tenant().rotateKeys();
      clock.advance(9_999);
      expectInvalid(await call(token()), 'unknown_key');
      clock.advance(1);
      expectAccepted(await call(token()));
    });

    it.each(['discovery', 'keys'])('stay in use through an outage of %s', async (operation) => {
      server = await startReadyServer(system, settings());
      system.emulator.fail({
        operation: `${provider.operations}.${operation}`,
        kind: 'status',
        status: 503,
        times: Infinity,
      });
      expectError(await call(unknownKey()), {
        status: 503,
        code: 'upstream_unavailable',
        innererror: { upstream: provider.upstream, operation: expect.any(String), status: 503 },
        retryAfter: 'some',
      });
      expectAccepted(await call(token()));
    });

    it('are needed for a start, which an outage only delays', async () => {
      system.emulator.fail({ operation: provider.operations, kind: 'status', status: 500, times: Infinity });
      const another = await system.startAnother(settings());
      expect((await another.call('get', '/health/ready')).status).toBe(503);
      expectError(await another.call('get', '/exchangeToken', token()), {
        status: 503,
        code: 'upstream_unavailable',
        innererror: { upstream: provider.upstream, operation: 'read discovery', status: 500 },
        retryAfter: 'some',
      });
      system.emulator.reset();
      await until(async () => (await another.call('get', '/health/ready')).status === 200);
      expectAccepted(await another.call('get', '/exchangeToken', token()));
      await another.stop();
    });
  });

  describe('metadata', () => {
    const discovery = async (change: Record<string, string>) => {
      const url = metadataUrlOf(provider.kind);
      const original = (await (await fetch(`${system.emulator.url}${url}`)).json()) as object;
      return JSON.stringify({ ...original, ...change });
    };

    async function startWith(change: Record<string, string>): Promise<ApiResponse> {
      const body = await discovery(change);
      system.emulator.fail({
        operation: `${provider.operations}.discovery`,
        kind: 'malformed',
        body,
        times: Infinity,
      });
      const another = await system.startAnother(settings());
      const response = await another.call('get', '/exchangeToken', token());
      await another.stop();
      return response;
    }

    const unusable = (operation: string) => ({
      status: 502,
      code: 'upstream_invalid_response' as const,
      innererror: { upstream: provider.upstream, operation },
    });

    it.each<[string, (issuer: string) => string]>([
      ['another issuer', () => 'https://attacker.example/v2.0'],
      ['an added or removed slash', (issuer) => (issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`)],
    ])('with %s is refused', async (_, change) => {
      const { issuer } = provider.tenant(system.emulator);
      expectError(await startWith({ issuer: change(issuer) }), unusable('read discovery'));
    });

    it('whose keys are not fetched by https is refused', async () => {
      expectError(await startWith({ jwks_uri: 'http://localhost/keys' }), unusable('read discovery'));
    });

    it('with a corrupt key that has the id of a valid one can be used', async () => {
      const { jwks_uri: keysUrl } = JSON.parse(await discovery({})) as { jwks_uri: string };
      const { keys } = (await (await fetch(keysUrl)).json()) as { keys: object[] };
      const corrupt = keys.map((key) => ({ ...key, n: 'AQAB' }));
      const body = JSON.stringify({ keys: [...corrupt, ...keys, ...corrupt] });
      const operation = `${provider.operations}.keys`;
      system.emulator.fail({ operation, kind: 'malformed', body, times: Infinity });
      const another = await system.startAnother(settings());
      expectAccepted(await another.call('get', '/exchangeToken', token()));
      await another.stop();
    });

    async function publishKeys(change: (key: object) => object | readonly object[]): Promise<void> {
      system.emulator.clearFaults();
      const { jwks_uri: keysUrl } = JSON.parse(await discovery({})) as { jwks_uri: string };
      const { keys } = (await (await fetch(keysUrl)).json()) as { keys: object[] };
      const body = JSON.stringify({ keys: keys.flatMap(change) });
      const operation = `${provider.operations}.keys`;
      system.emulator.fail({ operation, kind: 'malformed', body, times: Infinity });
    }

    async function startWithKeys(change: Parameters<typeof publishKeys>[0]): Promise<ApiResponse> {
      await publishKeys(change);
      const another = await system.startAnother(settings());
      const response = await another.call('get', '/exchangeToken', token());
      await another.stop();
      return response;
    }

    it.each<[string, object]>([
      ['that may also sign', { key_ops: ['sign', 'verify'] }],
      ['with a private part, which is not read', { d: 'AQAB' }],
    ])('with keys %s can be used', async (_, members) => {
      expectAccepted(await startWithKeys((key) => ({ ...key, ...members })));
    });

    it.each<[string, object]>([
      ['may not verify', { key_ops: ['encrypt'] }],
      ['have a malformed algorithm', { alg: 256 }],
    ])('whose keys all %s is refused', async (_, members) => {
      expectError(await startWithKeys((key) => ({ ...key, ...members })), unusable('read signing keys'));
    });

    // RFC 7517 section 4.5. Some providers publish a key under each of its algorithms.
    it.each<[string, (key: object) => readonly object[]]>([
      ['for other algorithms', (key) => ['RS384', 'RS256', 'PS256'].map((alg) => ({ ...key, alg }))],
      ['of another type', (key) => [key, { ...key, ...ecKey }]],
      ['before it', (key) => [{ ...key, ...otherRsaKey }, key]],
      ['after it', (key) => [key, { ...key, ...otherRsaKey }]],
    ])('with a key whose id others %s have can be used', async (_, change) => {
      expectAccepted(await startWithKeys(change));
    });

    it('with several keys of one id, none of which has signed the token', async () => {
      const others = [otherRsaKey, rsaKey()];
      expectInvalid(
        await startWithKeys((key) => others.map((other) => ({ ...key, ...other }))),
        'bad_signature',
      );
    });

    it('without one of several keys of one id, whose tokens are refused from then on', async () => {
      await publishKeys((key) => [key, { ...key, ...otherRsaKey }]);
      const another = await startReadyServer(system, settings());
      const withdrawn = token();
      expectAccepted(await another.call('get', '/exchangeToken', withdrawn));
      await publishKeys((key) => ({ ...key, ...otherRsaKey }));
      expectInvalid(
        await another.call('get', '/exchangeToken', token({ defect: 'unknown_key' })),
        'unknown_key',
      );
      expectInvalid(await another.call('get', '/exchangeToken', withdrawn), 'bad_signature');
      await another.stop();
    });

    it('whose keys are on another host is for providers that are known to do so', async () => {
      const { port } = new URL(system.emulator.url);
      const keys = new URL((JSON.parse(await discovery({})) as { jwks_uri: string }).jwks_uri);
      const response = await startWith({ jwks_uri: `https://127.0.0.1:${port}${keys.pathname}` });
      if (kind === 'oidc') expectAccepted(response);
      else expectError(response, unusable('read discovery'));
    });
  });
});

function metadataUrlOf(kind: string): string {
  const { externalId } = system.emulator;
  return kind === 'b2c'
    ? '/contosob2c.onmicrosoft.com/B2C_1_susi/v2.0/.well-known/openid-configuration'
    : `/${externalId.tenantId}/v2.0/.well-known/openid-configuration`;
}

function expiredClaims(secondsAgo: number): Record<string, number> {
  const end = nowInSeconds() - secondsAgo;
  return { iat: end - 4_500, nbf: end - 4_500, exp: end };
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
