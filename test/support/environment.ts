import { AsyncLocalStorage } from 'node:async_hooks';
import vm from 'node:vm';
import type { JestEnvironment, JestEnvironmentConfig } from '@jest/environment';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { describeMismatch } from '../contract/openApiMismatch';

/** The context of the test files for Jest: code that is compiled for it runs in the worker's own realm. */
const workersRealm: vm.Context = {};
const compileInContext = vm.compileFunction;
const compileFunction: typeof vm.compileFunction = (code, params, options = {}) => {
  if (options.parsingContext !== workersRealm) return compileInContext(code, params, options);
  return compileInContext(code, params, { ...options, parsingContext: undefined });
};
Object.assign(vm, { compileFunction });

type Run = (this: AsyncLocalStorage<unknown>, ...args: unknown[]) => unknown;
const run = Reflect.get(AsyncLocalStorage.prototype, 'run') as Run;

/**
 * Jest keeps the current test in an AsyncLocalStorage, only to name the test of an unhandled rejection. It slows down every
 * promise. Without it, an unhandled rejection fails the file.
 */
const isContextOfJest = (context: unknown) =>
  typeof context === 'object' && context !== null && ('hook' in context || 'test' in context);

/** Runs test files in the worker's realm, so that they share it with the packages, which a worker loads only once. */
export default class implements JestEnvironment {
  readonly global = globalThis as unknown as JestEnvironment['global'];
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  readonly moduleMocker: ModuleMocker;
  readonly #before = {
    globals: new Set(Reflect.ownKeys(globalThis)),
    console,
    exit: Reflect.getOwnPropertyDescriptor(process, 'exit'),
    env: process.env,
  };
  readonly #variables = { ...process.env };
  readonly #storages = new Set<AsyncLocalStorage<unknown>>();

  constructor({ projectConfig }: JestEnvironmentConfig) {
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  setup(): Promise<void> {
    this.global.describeOpenApiMismatch = describeMismatch;
    // Jest allows 100 frames. To format them for each expectation of supertest is a twentieth of the CPU time.
    Error.stackTraceLimit = 10;
    const storages = this.#storages;
    const spy: Run = function (...args) {
      const [context, callback] = args;
      if (isContextOfJest(context)) return (callback as () => unknown)();
      storages.add(this);
      return run.apply(this, args);
    };
    Reflect.set(AsyncLocalStorage.prototype, 'run', spy);
    return Promise.resolve();
  }

  teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    Reflect.set(AsyncLocalStorage.prototype, 'run', run);
    // Node copies each that is enabled with every promise, in all later files, too.
    for (const storage of this.#storages) storage.disable();
    const { globals, console, exit, env } = this.#before;
    for (const key of Reflect.ownKeys(globalThis))
      if (!globals.has(key)) Reflect.deleteProperty(globalThis, key);
    for (const name of Object.keys(env)) if (!(name in this.#variables)) Reflect.deleteProperty(env, name);
    Object.assign(env, this.#variables);
    Object.assign(globalThis, { console });
    Object.assign(process, { env });
    if (exit) Object.defineProperty(process, 'exit', exit);
    return Promise.resolve();
  }

  getVmContext(): vm.Context {
    return workersRealm;
  }

  exportConditions(): string[] {
    return ['node', 'node-addons'];
  }
}
