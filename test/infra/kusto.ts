import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';

/** The tables of Application Insights, with the columns that queries here use: https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete */
const tables = {
  requests:
    'timestamp: datetime, name: string, success: string, resultCode: string, duration: real, itemCount: int, customDimensions: dynamic, cloud_RoleInstance: string',
  dependencies:
    'timestamp: datetime, name: string, target: string, success: string, resultCode: string, duration: real, itemCount: int, customDimensions: dynamic, cloud_RoleInstance: string',
  traces:
    'timestamp: datetime, message: string, itemCount: int, customDimensions: dynamic, cloud_RoleInstance: string',
  customMetrics:
    'timestamp: datetime, name: string, value: real, valueCount: int, valueSum: real, valueMin: real, valueMax: real, customDimensions: dynamic, cloud_RoleInstance: string',
};
const declarations = Object.entries(tables)
  .map(([name, columns]) => `let ${name} = datatable(${columns})[];`)
  .join('\n');

interface List<T> {
  readonly Count: number;
  getItem(index: number): T;
}

/** The used parts of Microsoft's language service, which is C# compiled to JavaScript. */
interface KustoLanguage {
  readonly KustoCode: {
    ParseAndAnalyze(text: string): {
      GetDiagnostics(): List<{ readonly Message: string }>;
      readonly ResultType: { readonly Columns: List<{ readonly Name: string }> };
    };
  };
}

export interface QueryAnalysis {
  /** Errors of syntax, and names of tables, columns and functions that do not exist. */
  readonly problems: readonly string[];
  readonly columns: readonly string[];
}

/** Takes seconds to load the language service. */
export function createQueryAnalyzer(): (query: string) => QueryAnalysis {
  const context = createContext({ console });
  // Its two files set globals, which stay in this context.
  runInContext('globalThis.self = globalThis', context);
  for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
    const path = require.resolve(`@kusto/language-service-next/${file}`);
    runInContext(readFileSync(path, 'utf8'), context, { filename: path });
  }
  const { KustoCode } = runInContext('Kusto.Language', context) as KustoLanguage;
  return (query) => {
    const code = KustoCode.ParseAndAnalyze(`${declarations}\n${query}`);
    const problems = itemsOf(code.GetDiagnostics()).map(({ Message }) => Message);
    return {
      problems,
      columns: problems.length > 0 ? [] : itemsOf(code.ResultType.Columns).map(({ Name }) => Name),
    };
  };
}

function itemsOf<T>(list: List<T>): T[] {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index));
}
