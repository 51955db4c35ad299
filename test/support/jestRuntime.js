const { createRequire } = require('node:module');
const { default: Runtime } = require('jest-runtime');

/**
 * Node loads the packages, once for all test files of a worker; Jest would evaluate each of them again for each test file.
 * Except for @azure/identity with its MSAL, which keeps the first managed identity's settings for the whole process.
 */
const isLoadedByNode = (from, name) =>
  /^(?![./]|node:)/.test(name) &&
  name !== '@azure/identity' &&
  !(name.startsWith('@azure/msal-') && /[\\/]@azure[\\/](identity|msal-node)[\\/]/.test(from));

module.exports = class extends Runtime {
  requireModuleOrMock(from, name) {
    return isLoadedByNode(from, name) ? createRequire(from)(name) : super.requireModuleOrMock(from, name);
  }

  /** The same for Jest's own modules. */
  requireInternalModule(from, name) {
    const byNode = name !== undefined && isLoadedByNode(from, name);
    return byNode ? createRequire(from)(name) : super.requireInternalModule(from, name);
  }
};
