import { expiryWarningInDays } from '../../src/entra/clientCredential/certificateCredential';
import { attributeNames, metricNames, spanEvents } from '../../src/telemetry/names';
import { readDocument } from '../docs/markdown';
import { readArmTemplate } from './infraFiles';
import { createQueryAnalyzer } from './kusto';

const template = readArmTemplate();
const variables = template.variables as Record<string, unknown>;
const queries = Object.entries(variables).filter(
  (entry): entry is [string, string] => entry[0].endsWith('Query') && typeof entry[1] === 'string',
);
/** The query that an expression such as `[variables('orphansLostQuery')]` stands for. */
const queryOf = (expression: string) => variables[/^\[variables\('(\w+)'\)\]$/.exec(expression)?.[1] ?? ''];

interface AlertProperties {
  readonly displayName: string;
  readonly criteria: {
    readonly allOf: readonly {
      readonly query: string;
      readonly metricMeasureColumn: string;
      readonly dimensions?: readonly { readonly name: string }[];
    }[];
  };
}
const alerts = Object.entries(template.resources)
  .filter(([, { type }]) => type === 'Microsoft.Insights/scheduledQueryRules')
  .map(([name, { properties }]): [string, AlertProperties] => [name, properties as never]);

const known = new Set<string>(
  [metricNames, attributeNames, spanEvents].flatMap((names) => Object.values(names)),
);
/** The values that names are compared with in the queries. */
const values = new Set(['False', 'true', 'lost', 'missing_token', 'token_expired']);

const analyze = createQueryAnalyzer();

describe.each(queries)('%s', (_name, query) => {
  it('is valid, for the tables of Application Insights', () => {
    expect(analyze(query).problems).toEqual([]);
  });

  it('uses only names that the server sends', () => {
    const names = [...query.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name);
    expect(names.filter((name) => !known.has(name) && !values.has(name))).toEqual([]);
  });
});

it('a query with a column that does not exist is not valid', () => {
  expect(analyze('customMetrics | where nam == "x"').problems).not.toEqual([]);
});

describe('the alerts', () => {
  it('are five, and docs/monitoring.md has them', () => {
    expect(alerts).toHaveLength(5);
    const { text } = readDocument('docs/monitoring.md');
    for (const [, { displayName }] of alerts) expect(text).toContain(displayName);
  });

  it.each(alerts)('%s measures columns of its query', (_name, { criteria }) => {
    for (const { query, metricMeasureColumn, dimensions = [] } of criteria.allOf) {
      const { columns } = analyze(String(queryOf(query)));
      expect(columns).toEqual(
        expect.arrayContaining([metricMeasureColumn, ...dimensions.map(({ name }) => name)]),
      );
    }
  });
});

it('the alert for the certificate is about its expiry, and begins when the log warns', () => {
  const [, alert] =
    alerts.find(([, { displayName }]) => displayName === 'The client certificate expires') ?? [];
  const [criterion] = alert?.criteria.allOf ?? [];
  expect(queryOf(criterion?.query ?? '')).toContain(`name == "${metricNames.certificateExpiry}"`);
  expect(criterion).toMatchObject({ operator: 'LessThan', threshold: expiryWarningInDays });
});

it('the workbook shows every query that is not for an alert', () => {
  const items = variables.workbookItems as { content: string }[];
  const shown = items.map(({ content }) => /variables\('(\w+Query)'\)(?!,)/.exec(content)?.[1]);
  const ofAlerts = alerts.flatMap(([, { criteria }]) => criteria.allOf.map(({ query }) => query));
  const others = queries.map(([name]) => name).filter((name) => !ofAlerts.includes(`[variables('${name}')]`));
  expect(shown).toHaveLength(others.length);
  for (const name of others) expect(JSON.stringify(items)).toContain(`variables('${name}')`);
});

it('docs/monitoring.md names every metric, and no other', () => {
  const { text } = readDocument('docs/monitoring.md');
  const named = [...text.matchAll(/`((?:http|nodejs|acs_auth)\.[\w.]+)`/g)].map(([, name = '']) => name);
  expect(named).toEqual(expect.arrayContaining(Object.values(metricNames)));
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
