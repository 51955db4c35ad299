import { explainNetworkError } from '../../src/doctor/network';
import { HttpError } from '../../src/resilience/httpClient';
import { UpstreamError } from '../../src/resilience/upstreamError';

const failure = (code: string) => Object.assign(new Error('from Node'), { code });

describe('a call without a response', () => {
  test.each([
    ['ENOTFOUND', /cannot be resolved \(DNS, ENOTFOUND\) -> Check the spelling in GRAPH_ENDPOINT/],
    ['EAI_AGAIN', /cannot be resolved/],
    ['ECONNREFUSED', /nothing listens at graph\.example/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /certificate at graph\.example is for another name/],
    ['CERT_HAS_EXPIRED', /not valid at this time -> Compare this machine's clock/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /does not trust the certificate .* -> .*NODE_EXTRA_CA_CERTS/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /NODE_EXTRA_CA_CERTS/],
    ['ECONNRESET', /no response from graph\.example \(ECONNRESET\) -> Try again/],
  ])('is explained by the error code %s, at any depth of causes', (code, expected) => {
    const wrapped = new UpstreamError(
      'Microsoft Graph',
      'test',
      { transportFailure: 'connect_failed' },
      new HttpError('connect_failed', failure(code), 'https://localhost'),
    );
    for (const error of [failure(code), wrapped]) {
      const {
        status,
        message: says,
        remedy: advice,
      } = explainNetworkError(error, 'https://graph.example', 'GRAPH_ENDPOINT');
      expect(status).toBe('problem');
      expect(`${says} -> ${advice ?? ''}`).toMatch(expected);
    }
  });

  test.each([
    ['timed_out', /did not respond within 5 s/],
    ['invalid_response', /returned an invalid response/],
    ['connection_lost', /^no response from graph\.example$/],
  ] as const)('without a code is explained as %s', (broken, expected) => {
    const { message: says } = explainNetworkError(
      new HttpError(broken, undefined, 'https://localhost'),
      'https://graph.example',
      'GRAPH_ENDPOINT',
    );
    expect(says).toMatch(expected);
  });
});
