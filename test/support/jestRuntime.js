const { createRequire } = require('node:module');
const { default: Runtime } = require('jest-runtime');

const isPackage = (name) => /^(?![./]|node:)/.test(name);

/** Node loads the packages, once for all test files of a worker. Jest would evaluate each again for each test file. */
module.exports = class extends Runtime {
  requireModuleOrMock(from, name) {
    if (!isPackage(name) ) return super.requireModuleOrMock(from, name);
    return createRequire(from)(name);
  }
};
