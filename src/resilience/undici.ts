import type { Agent, Dispatcher } from 'undici';
import UndiciAgent from 'undici/lib/dispatcher/agent';
import undiciRequest from 'undici/lib/api/api-request';

/**
 * The two parts of undici that the HTTP client needs. Its main file also installs a process-wide dispatcher, which would replace that
 * of an application that mounts this server, and loads a second implementation of fetch: 20 MB without a use.
 */
export function createAgent(options: Agent.Options): Agent {
  return new UndiciAgent(options);
}

export function request(agent: Agent, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
  return undiciRequest.call(agent, options);
}
