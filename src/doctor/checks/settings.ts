import { type Config, ConfigError, type Environment, loadConfig } from '../../config/config';
import { type Check, ok, problem } from '../check';

/** @param accept gets the settings, if they are well-formed */
export function createSettingsCheck(environment: Environment, accept: (config: Config) => void): Check {
  return {
    name: 'settings',
    run() {
      try {
        accept(loadConfig(environment));
        return ok('all that is needed is there and well-formed');
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return error.problems.map((line) => problem(line));
      }
    },
  };
}
