import { problem, type Result } from './check';
import { parseJson } from './network';

/** Where secrets and permissions of the registration are managed. */
const registration = 'Microsoft Entra admin center > App registrations > AuthServer';

interface Explanation {
  message: string;
  cause?: string;
  remedy: string;
  docs?: string;
}

const secretDocs = 'docs/app-registrations.md#4-add-a-credential-to-authserver';

/** Errors of Entra ID that a wrong setup causes. */
const explanations: Readonly<Record<number, Explanation>> = {
  7000215: {
    message: 'AZURE_CLIENT_SECRET is not a client secret of the application in AZURE_CLIENT_ID',
    cause: "The secret's ID was copied instead of its value, or AZURE_CLIENT_ID is another application.",
    remedy: `Create a new secret with scripts/register-apps.sh (or .ps1) --new-secret, or under ${registration} > Certificates & secrets, and copy its value: it is shown only once.`,
    docs: secretDocs,
  },
  7000222: {
    message: 'the client secret in AZURE_CLIENT_SECRET has expired',
    remedy: `Create a new one with scripts/register-apps.sh (or .ps1) --new-secret, or under ${registration} > Certificates & secrets, and set its value.`,
    docs: secretDocs,
  },
  7000218: {
    message: 'Microsoft Entra ID received no client secret',
    remedy: 'Set AZURE_CLIENT_SECRET to the value of a client secret of the AuthServer registration.',
  },
  700016: {
    message: 'the tenant has no application with the id in AZURE_CLIENT_ID',
    remedy:
      'Compare AZURE_CLIENT_ID with the Application (client) ID on the overview of the AuthServer registration, and AZURE_TENANT_ID with its Directory (tenant) ID.',
  },
  7000229: {
    message: 'the application has no service principal in the tenant',
    remedy: `Open ${registration} > Overview > Create service principal, or grant admin consent once.`,
  },
  7000112: {
    message: 'the application is disabled',
    remedy:
      'An administrator can enable it in the Microsoft Entra admin center under Enterprise applications.',
  },
  90002: {
    message: 'Microsoft Entra ID has no tenant with the id in AZURE_TENANT_ID',
    remedy:
      'Compare it with the Directory (tenant) ID on the overview of the AuthServer registration; in a sovereign cloud AZURE_AUTHORITY_HOST must name its sign-in host.',
  },
  500011: {
    message: 'the tenant does not know the Microsoft Graph in GRAPH_ENDPOINT',
    remedy:
      'GRAPH_ENDPOINT and AZURE_AUTHORITY_HOST must belong to the same cloud; omit both for the public cloud.',
  },
  53003: {
    message: 'a Conditional Access policy of the tenant blocks this application',
    remedy: 'An administrator can find the policy in the sign-in log of the Microsoft Entra admin center.',
  },
};

/** Why Entra ID rejected this server; `numbers` are its AADSTS numbers. */
export function explainEntraError(
  numbers: readonly number[],
  error: string | undefined,
  status: number,
  authorityHost: string,
): Result {
  const [first] = numbers;
  const known = numbers.map((number) => explanations[number]).find((explanation) => explanation);
  const number = first === undefined ? '' : `AADSTS${first}`;
  if (known)
    return problem(`${known.message} (${number})`, known.remedy, { cause: known.cause, docs: known.docs });
  if (status === 429 || status >= 500) {
    return problem(
      `Microsoft Entra ID is unavailable or throttles requests (HTTP ${status})`,
      'Try again later.',
    );
  }
  return problem(
    `Microsoft Entra ID rejected the request (HTTP ${status}${error ? `, ${error}` : ''}${number && `, ${number}`})`,
    first === undefined
      ? 'Compare AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET with the AuthServer registration.'
      : `Microsoft explains it at ${authorityHost}/error?code=${first}`,
  );
}

/** The error body of Entra's endpoints. */
export interface EntraErrorBody {
  readonly error: string | undefined;
  readonly numbers: readonly number[];
}

export function parseEntraError(text: string): EntraErrorBody {
  const body = parseJson(text);
  const { error, error_codes: codes } = (typeof body === 'object' && body !== null ? body : {}) as {
    error?: unknown;
    error_codes?: unknown;
  };
  return {
    error: typeof error === 'string' && /^\w{1,50}$/.test(error) ? error : undefined,
    numbers: Array.isArray(codes) ? codes.map(Number).filter(Number.isSafeInteger) : [],
  };
}
