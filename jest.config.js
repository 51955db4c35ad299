/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.ts',
  runtime: '<rootDir>/test/support/jestRuntime.js',
  testSequencer: '<rootDir>/test/support/sequencer.js',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
  },
  // The server's own modules that are loaded on demand: Node's import() needs the extension of the built files.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  // Only for tests that hang: a busy machine may take many times as long as an idle one.
  testTimeout: 300_000,
  // Tests wait for timers and child processes about half of the time. Seven keep two cores busy.
  maxWorkers: 7,
};
