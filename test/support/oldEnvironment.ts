import { TestEnvironment } from 'jest-environment-node';
import { describeMismatch } from '../contract/openApiMismatch';

/** Jest loads every module again for each test file. The check against openapi.yaml is loaded once for all files of a worker. */
export default class extends TestEnvironment {
  override async setup(): Promise<void> {
    await super.setup();
    this.global.describeOpenApiMismatch = describeMismatch;
  }
}
