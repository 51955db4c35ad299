import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { developmentPort } from '../../emulator/seed';
import { settings } from '../../src/config/settings';
import { projectRoot } from './markdown';

/** The container is not started here; the test compares its configuration with the project. */
test('the development container forwards the ports of npm run local, and installs the packages', () => {
  const text = readFileSync(join(projectRoot, '.devcontainer/devcontainer.json'), 'utf8');
  const playgroundPort = 5173;
  const ports = [Number(settings.PORT.defaultText), playgroundPort, developmentPort];
  const container = JSON.parse(text) as { portsAttributes: Record<string, unknown> };
  expect(container).toMatchObject({
    image: expect.stringMatching(/^mcr\.microsoft\.com\/devcontainers\/typescript-node:22-\w+$/),
    forwardPorts: ports,
    postCreateCommand: 'npm ci',
  });
  expect(Object.keys(container.portsAttributes).map(Number)).toEqual(ports);
});
