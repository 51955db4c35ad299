const { createRequire } = require('node:module');
const { default: Runtime } = require('jest-runtime');

const isPackage = (name) => /^(?![./]|node:)/.test(name);

/** Node loads the packages, once for all test files of a worker. Jest would evaluate each again for each test file. */
module.exports = class extends Runtime {
  requireModuleOrMock(from, name) {
    return isPackage(name) ? createRequire(from)(name) : super.requireModuleOrMock(from, name);
  }

  /** The same for Jest's own modules. */
  requireInternalModule(from, name) {
    return name !== undefined && isPackage(name) ? createRequire(from)(name) : super.requireInternalModule(from, name);
  }
};
