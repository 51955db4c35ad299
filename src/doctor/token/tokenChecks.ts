import { graphStoreOf } from '../../config/identities';
import type { DecodedJwt } from '../../authentication/jwt';
import { type Check, problem } from '../check';
import { createClientCredentialCheck } from '../checks/clientCredential';
import { type DoctorContext, entraContextsOf } from '../context';
import { createAccessTokenCheck } from './accessToken';
import { type PastedToken, readPasted } from './describe';
import { createOnBehalfOfChecks } from './onBehalfOf';
import { createTeamsTokenCheck } from './teamsToken';

/** Explains the pasted tokens; a Teams token is compared with the access token, if one was pasted with it. */
export function createTokenChecks(
  context: DoctorContext,
  texts: readonly string[],
  needs: readonly Check[],
): Check[] {
  const tenants = entraContextsOf(context);
  const tokens = texts.map(readPasted);
  const caller = tokens.find(({ kind }) => kind === 'access token')?.jwt;
  const ofKind = (token: PastedToken) => tokens.filter(({ kind }) => kind === token.kind);
  return tokens.flatMap((token) => {
    const { kind, jwt } = token;
    const label = ofKind(token).length > 1 ? `${kind} ${ofKind(token).indexOf(token) + 1}` : kind;
    if (kind === 'communication token') return [explainCommunicationToken(label)];
    // The tenant of the token, where there are several.
    const entra =
      tenants.find(({ entra: { tenantId } }) => tenantId === String(jwt?.claims.tid).toLowerCase()) ??
      tenants[0];
    if (kind === 'Teams token' && hasJwt(token) && entra)
      return [createTeamsTokenCheck(entra, token, caller, label, needs)];
    const check = createAccessTokenCheck(context, token, label, needs);
    const graph = graphStoreOf(context.config.identities);
    if (!jwt || !graph || !entra) return [check];
    const credential = createClientCredentialCheck(entra, graph, [check]);
    const onBehalfOf = createOnBehalfOfChecks(entra, graph, token.text, jwt, [check, credential]);
    return [check, credential, ...onBehalfOf];
  });
}

function hasJwt(token: PastedToken): token is PastedToken & { jwt: DecodedJwt } {
  return token.jwt !== undefined;
}

function explainCommunicationToken(label: string): Check {
  return {
    name: label,
    group: 'Token',
    run: () =>
      problem(
        'this token was issued by Azure Communication Services: this server returns such tokens and does not accept them',
        'Give it to the calling or chat SDK. To call this server, send an access token of Microsoft Entra ID.',
      ),
  };
}
