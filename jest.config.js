/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.ts',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // jose is an ES module, which Node imports and Jest must translate; the OTLP exporter imports Node's own modules on demand.
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
    'node_modules/(jose|@opentelemetry/otlp-exporter-base)/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2023' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/|@opentelemetry/otlp-exporter-base/)'],
  // The server's own modules that are loaded on demand: Node's import() needs the ending that they have once built.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  // Only an end for a test that hangs: a busy machine may take many times as long as a quiet one.
  testTimeout: 120_000,
  maxWorkers: 2,
};
