/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.ts',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // These are ES modules, which Node imports and Jest must translate.
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
    'node_modules/(jose|marked)/.+\\.js$': ['@swc/jest', { jsc: { target: 'es2023' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!(jose|marked)/)'],
  // The server's own modules that are loaded on demand: Node's import() needs the ending that they have once built.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  // Only an end for a test that hangs: a busy machine may take many times as long as a quiet one.
  testTimeout: 120_000,
  maxWorkers: 2,
};
