import { type Call, json, type Reply } from '../http/exchange';
import { requestIds } from './errors';

const contentType =
  'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';

export function graphReply(call: Call, status: number, body: Record<string, unknown>): Reply {
  return json(status, body, {
    'content-type': contentType,
    'cache-control': 'no-cache',
    'odata-version': '4.0',
    ...requestIds(call),
  });
}
