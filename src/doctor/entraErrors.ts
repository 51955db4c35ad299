import { problem, type Result } from './check';

/** Where secrets and permissions of the registration are found. */
const registration = 'Microsoft Entra admin center > App registrations > AuthServer';

interface Explanation {
  says: string;
  advice: string;
}

/** The errors of Entra that a wrong set-up meets, in our words. */
const explanations: Readonly<Record<number, Explanation>> = {
  7000215: {
    says: 'AZURE_CLIENT_SECRET is not a client secret of this registration',
    advice: `Often the secret's id was copied in place of its value. Make a new one under ${registration} > Certificates & secrets, and copy its value at once: it is shown only once.`,
  },
  7000222: {
    says: 'the client secret in AZURE_CLIENT_SECRET has expired',
    advice: `Make a new one under ${registration} > Certificates & secrets, and set its value.`,
  },
  7000218: {
    says: 'Microsoft Entra ID saw no client secret',
    advice: 'Set AZURE_CLIENT_SECRET to the value of a client secret of the AuthServer registration.',
  },
  700016: {
    says: 'the tenant has no application with the id in AZURE_CLIENT_ID',
    advice:
      'Compare AZURE_CLIENT_ID with the Application (client) ID on the overview of the AuthServer registration, and AZURE_TENANT_ID with its Directory (tenant) ID.',
  },
  7000229: {
    says: 'the application has no service principal in the tenant',
    advice: `Open ${registration} > Overview > Create service principal, or grant admin consent once.`,
  },
  7000112: {
    says: 'the application is disabled',
    advice:
      'An administrator can enable it in the Microsoft Entra admin center under Enterprise applications.',
  },
  90002: {
    says: 'Microsoft Entra ID has no tenant with the id in AZURE_TENANT_ID',
    advice:
      'Compare it with the Directory (tenant) ID on the overview of the AuthServer registration; in a sovereign cloud AZURE_AUTHORITY_HOST must name its sign-in host.',
  },
  500011: {
    says: 'the tenant does not know the Microsoft Graph that GRAPH_ENDPOINT names',
    advice:
      'GRAPH_ENDPOINT and AZURE_AUTHORITY_HOST must be of the same cloud; leave both out for the public one.',
  },
  53003: {
    says: 'a Conditional Access policy of the tenant blocks this application',
    advice: 'An administrator finds the policy in the sign-in log of the Microsoft Entra admin center.',
  },
};

/** How Entra turned this server down; `numbers` are its AADSTS numbers. */
export function explainRefusal(
  numbers: readonly number[],
  error: string | undefined,
  status: number,
  authorityHost: string,
): Result {
  const [first] = numbers;
  const known = numbers.map((number) => explanations[number]).find((explanation) => explanation);
  const number = first === undefined ? '' : `AADSTS${first}`;
  if (known) return problem(`${known.says} (${number})`, known.advice);
  if (status === 429 || status >= 500) {
    return problem(
      `Microsoft Entra ID has a fault or limits us at the moment (HTTP ${status})`,
      'Try again later.',
    );
  }
  return problem(
    `Microsoft Entra ID refused (HTTP ${status}${error ? `, ${error}` : ''}${number && `, ${number}`})`,
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
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const { error, error_codes: codes } = (typeof body === 'object' && body !== null ? body : {}) as {
    error?: unknown;
    error_codes?: unknown;
  };
  return {
    error: typeof error === 'string' && /^\w{1,50}$/.test(error) ? error : undefined,
    numbers: Array.isArray(codes) ? codes.map(Number).filter(Number.isSafeInteger) : [],
  };
}
