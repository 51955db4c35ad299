import type { Finding, Group, Status } from './check';

/** Where the report goes: usually standard output. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** The document about each group, where a finding names none. */
const documents: Readonly<Record<Group, string>> = {
  Settings: 'docs/settings.md',
  'This machine': 'docs/doctor.md#what-is-checked',
  'Identity provider': 'docs/app-registrations.md',
  'Microsoft Graph': 'docs/app-registrations.md#3-add-the-permission-to-write-the-mapping',
  'Communication Services': 'docs/settings.md',
  'Identity store': 'docs/identity-storage.md',
  'Deployed server': 'docs/deploy-to-azure.md',
  Token: 'docs/errors.md',
};

export const docsOf = ({ docs, group }: Finding): string => docs ?? documents[group];

/** The last line of the report. */
export function summarize(findings: readonly Finding[]): string {
  const count = (status: Status) => findings.filter((finding) => finding.status === status).length;
  const [problems, warnings, skips] = [count('problem'), count('warning'), count('skipped')];
  const parts = [
    problems > 0 ? plural(problems, 'problem') : 'No problem',
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
    ...(skips > 0 ? [`${skips} not checked`] : []),
  ];
  return `${parts.join(', ')}.`;
}

/** The report for programs. Its property names are stable. */
export function toJson(subject: string, findings: readonly Finding[]): string {
  const shown = findings.map((finding) => ({
    group: finding.group,
    check: finding.name,
    status: finding.status,
    message: finding.message,
    cause: finding.cause,
    fix: finding.remedy,
    ...(finding.status === 'problem' || finding.status === 'warning' ? { docs: docsOf(finding) } : {}),
  }));
  return JSON.stringify({ subject, summary: summarize(findings), findings: shown }, undefined, 2);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const minSecretLength = 8;

/** A second safeguard: the checks themselves print no secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= minSecretLength)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
    .replace(/eyJ[\w-]{5,}\.[\w-]+\.?[\w-]*/g, '[token]');
}

const maxDisplayLength = 120;

/** An external value, such as a claim, made safe for a terminal: shortened, without control characters. */
export function printable(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^\x20-\x7e]/g, '?');
  return text.length > maxDisplayLength ? `${text.slice(0, maxDisplayLength)}...` : text;
}
