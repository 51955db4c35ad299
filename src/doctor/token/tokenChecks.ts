import type { DecodedJwt } from '../../authentication/jwt';
import { type Check, problem } from '../check';
import { createClientCredentialCheck } from '../checks/clientCredential';
import type { Surroundings } from '../surroundings';
import { createAccessTokenCheck } from './accessToken';
import { type PastedToken, readPasted } from './describe';
import { createOnBehalfOfChecks } from './onBehalfOf';
import { createTeamsTokenCheck } from './teamsToken';

/** Explains the pasted tokens; a Teams token is held against the access token, if one was pasted with it. */
export function createTokenChecks(
  surroundings: Surroundings,
  texts: readonly string[],
  needs: readonly Check[],
): Check[] {
  const tokens = texts.map(readPasted);
  const caller = tokens.find(({ kind }) => kind === 'access token')?.jwt;
  const ofKind = (token: PastedToken) => tokens.filter(({ kind }) => kind === token.kind);
  return tokens.flatMap((token) => {
    const { kind, jwt } = token;
    const label = ofKind(token).length > 1 ? `${kind} ${ofKind(token).indexOf(token) + 1}` : kind;
    if (kind === 'communication token') return [explainCommunicationToken(label)];
    if (kind === 'Teams token' && hasJwt(token))
      return [createTeamsTokenCheck(surroundings, token, caller, label, needs)];
    const check = createAccessTokenCheck(surroundings, token, label, needs);
    if (!jwt) return [check];
    const credential = createClientCredentialCheck(surroundings, [check]);
    return [check, credential, ...createOnBehalfOfChecks(surroundings, token.text, jwt, [check, credential])];
  });
}

function hasJwt(token: PastedToken): token is PastedToken & { jwt: DecodedJwt } {
  return token.jwt !== undefined;
}

function explainCommunicationToken(label: string): Check {
  return {
    name: label,
    run: () =>
      problem(
        'this is a token that Azure Communication Services issued: it is what this server hands out, not what it takes',
        'Give it to the calling or chat SDK. To call this server, send an access token of Microsoft Entra ID.',
      ),
  };
}
