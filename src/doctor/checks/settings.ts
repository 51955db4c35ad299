import { type Config, ConfigError, type Environment, loadConfig } from '../../config/config';
import { type Check, ok, problem } from '../check';

/** @param accept receives the settings if they are valid */
export function createSettingsCheck(environment: Environment, accept: (config: Config) => void): Check {
  return {
    name: 'settings',
    run() {
      try {
        accept(loadConfig(environment));
        return ok('all required settings are valid');
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return error.problems.map((line) => problem(line));
      }
    },
  };
}
