import tseslint from 'typescript-eslint';

/** One rule set for everything; there are no per-line exceptions in this repository. */
export default tseslint.config(
  // The example needs its own packages, so it is checked by its test.
  { ignores: ['examples/', 'dist/', 'build/', 'coverage/', '.emulator/', 'node_modules/'] },
  tseslint.configs.base,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: [
          './tsconfig.json',
          './emulator/tsconfig.json',
          './playground/tsconfig.json',
          './playground/src/tsconfig.json',
          './bench/tsconfig.json',
          './simulation/tsconfig.json',
          './test/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Parts that are loaded on demand: see src/loadOnDemand.ts.
      '@typescript-eslint/no-require-imports': ['error', { allow: ['^(\\./\\w+\\.js|jose|marked|yaml)$'] }],
      'no-console': 'error',
      eqeqeq: ['error', 'always'],
    },
  },
  // Supertest hands out bodies as `any`; tests compare them with expectations instead of types.
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  // The emulator and the server do not import each other, so that each is a check of the other.
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['**/emulator/**', '**/test/**'] }],
    },
  },
  {
    files: ['emulator/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['**/src/**', '**/test/**'] }],
    },
  },
);
