import type { CommunicationIdentityClientOptions } from '@azure/communication-identity';
import { HttpError, maxResponseBytes } from './httpClient';

type AdditionalPolicy = NonNullable<CommunicationIdentityClientOptions['additionalPolicies']>[number];

/** For Azure's SDKs, which read a response of any size: reads it for them, up to the limit. */
const policy: AdditionalPolicy['policy'] = {
  name: 'responseLimitPolicy',
  async sendRequest(request, next) {
    // A small response can become large when it is decompressed.
    request.headers.set('Accept-Encoding', 'identity');
    const anyStatus = new Set([Number.POSITIVE_INFINITY]);
    const { readableStreamBody, ...rest } = await next({ ...request, streamResponseStatusCodes: anyStatus });
    const response = { ...rest, request };
    if (!readableStreamBody) return response;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of readableStreamBody) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxResponseBytes)
        throw new HttpError('invalid_response', undefined, new URL(request.url).origin);
      chunks.push(bytes);
    }
    // Without a byte order mark, which JSON.parse rejects: an intermediary may add one.
    return { ...response, bodyAsText: new TextDecoder().decode(Buffer.concat(chunks)) };
  },
};

export const responseLimitPolicies: AdditionalPolicy[] = [{ policy, position: 'perRetry' }];
