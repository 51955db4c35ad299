import { type EmulatorContext } from '../context';
import { type Call, json, type Reply } from '../http/exchange';
import { graphAudience } from '../tokens/audiences';
import { emailClaim, pairwiseSubject } from '../tokens/claims';
import { type GraphCaller } from './bearer';
import { GraphError, requestIds } from './errors';
import { nameParts } from './users';

/** The UserInfo endpoint of OpenID Connect: the user as the app knows it from its ID token. */
export function readUserInfo(
  _context: EmulatorContext,
  call: Call,
  { user, app, scopes }: GraphCaller,
): Reply {
  if (!user || !scopes.includes('openid')) {
    throw new GraphError(
      403,
      'Authorization_RequestDenied',
      'Insufficient privileges to complete the operation.',
    );
  }
  const { givenName, surname } = nameParts(user);
  const names = {
    name: user.name,
    family_name: surname,
    given_name: givenName,
    picture: `${graphAudience}/v1.0/me/photo/$value`,
  };
  const body = {
    sub: pairwiseSubject(user.objectId, app),
    ...(scopes.includes('profile') ? names : {}),
    ...(scopes.includes('email') ? emailClaim(user) : {}),
  };
  return json(200, body, requestIds(call));
}
