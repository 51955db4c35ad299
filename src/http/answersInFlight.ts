import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answers that clients still wait for. */
export interface AnswersInFlight {
  all(): ServerResponse[];
  /** The last of those that a connection waits for: with HTTP pipelining there may be several. */
  lastOf(connection: Duplex): ServerResponse | undefined;
}

export function createAnswersInFlight(server: Server): AnswersInFlight {
  // By connection, and not in one set of all: adding to and removing from that costs a third of a short request.
  const owed = new Map<Duplex, Set<ServerResponse>>();

  function owedTo(connection: Duplex): Set<ServerResponse> {
    const known = owed.get(connection);
    if (known) return known;
    const responses = new Set<ServerResponse>();
    owed.set(connection, responses);
    connection.once('close', () => {
      owed.delete(connection);
      // Node tells only the answer whose turn it is that the connection has closed, not those that wait behind it.
      for (const response of responses) if (!response.socket) response.emit('close');
    });
    return responses;
  }

  server.on('request', ({ socket }, response) => {
    const responses = owedTo(socket).add(response);
    response.once('close', () => responses.delete(response));
  });

  return {
    all: () => [...owed.values()].flatMap((responses) => [...responses]),
    lastOf: (connection) => [...(owed.get(connection) ?? [])].at(-1),
  };
}
