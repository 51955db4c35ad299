import {
  between,
  flag,
  listOf,
  object,
  oneOf,
  orExpression,
  resource,
  tags,
  text,
  whole,
  type PublishedSchema,
} from './schemaForms';

const condition = object({
  dimensions: listOf(
    object(
      { name: text, operator: oneOf('Include', 'Exclude'), values: listOf(text) },
      'name',
      'operator',
      'values',
    ),
  ),
  failingPeriods: object({ minFailingPeriodsToAlert: whole, numberOfEvaluationPeriods: whole }),
  metricMeasureColumn: text,
  operator: oneOf('Equals', 'GreaterThan', 'GreaterThanOrEqual', 'LessThan', 'LessThanOrEqual'),
  query: text,
  threshold: orExpression({ type: 'number' }),
  timeAggregation: oneOf('Count', 'Average', 'Minimum', 'Maximum', 'Total'),
});

/** The part of publishedSchemas.ts for logs, telemetry and alerts. */
export const publishedMonitoringSchemas: Readonly<Record<string, PublishedSchema>> = {
  'Microsoft.OperationalInsights/workspaces@2023-09-01': resource(
    '2023-09-01/Microsoft.OperationalInsights.json',
    object({
      retentionInDays: whole,
      sku: object(
        {
          name: oneOf(
            'Free',
            'Standard',
            'Premium',
            'PerNode',
            'PerGB2018',
            'Standalone',
            'CapacityReservation',
            'LACluster',
          ),
        },
        'name',
      ),
      workspaceCapping: object({ dailyQuotaGb: whole }),
    }),
    { location: text, tags },
    'location',
  ),
  'Microsoft.Insights/components@2020-02-02': resource(
    '2020-02-02/Microsoft.Insights.json',
    object(
      {
        Application_Type: oneOf('web', 'other'),
        DisableLocalAuth: flag,
        RetentionInDays: whole,
        WorkspaceResourceId: text,
      },
      'Application_Type',
    ),
    { location: text, tags, kind: text },
    'kind',
    'location',
  ),
  'Microsoft.Insights/diagnosticSettings@2021-05-01-preview': resource(
    '2021-05-01-preview/Microsoft.Insights.json',
    object({
      workspaceId: text,
      logs: listOf(object({ category: text, categoryGroup: text, enabled: flag }, 'enabled')),
    }),
  ),
  'Microsoft.Insights/workbooks@2022-04-01': resource(
    '2022-04-01/Microsoft.Insights.Application.json',
    object(
      {
        category: text,
        description: text,
        displayName: text,
        serializedData: text,
        sourceId: text,
        version: text,
      },
      'category',
      'displayName',
      'serializedData',
    ),
    { location: text, tags, kind: oneOf('shared') },
    'location',
  ),
  'Microsoft.Insights/actionGroups@2023-01-01': resource(
    '2023-01-01/Microsoft.Insights.json',
    object(
      {
        groupShortName: orExpression({ type: 'string', maxLength: 12 }),
        enabled: flag,
        emailReceivers: listOf(
          object({ name: text, emailAddress: text, useCommonAlertSchema: flag }, 'name', 'emailAddress'),
        ),
      },
      'enabled',
      'groupShortName',
    ),
    { location: text, tags },
    'location',
  ),
  'Microsoft.Insights/scheduledQueryRules@2022-06-15': resource(
    '2022-06-15/Microsoft.Insights.json',
    object({
      actions: object({ actionGroups: listOf(text) }),
      autoMitigate: flag,
      criteria: object({ allOf: listOf(condition) }),
      description: text,
      displayName: text,
      enabled: flag,
      evaluationFrequency: text,
      overrideQueryTimeRange: text,
      scopes: listOf(text),
      severity: between(0, 4),
      windowSize: text,
    }),
    { location: text, tags, kind: oneOf('LogAlert', 'LogToMetric') },
  ),
};
