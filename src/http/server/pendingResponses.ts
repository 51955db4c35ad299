import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answers that clients still wait for. */
export interface PendingResponses {
  all(): ServerResponse[];
  /** The last of those that a connection waits for: with HTTP pipelining there may be several. */
  lastFor(connection: Duplex): ServerResponse | undefined;
}

export function createPendingResponses(server: Server): PendingResponses {
  // By connection, and not in one set of all: adding to and removing from that costs a third of a short request.
  const pendingByConnection = new Map<Duplex, Set<ServerResponse>>();

  function pendingFor(connection: Duplex): Set<ServerResponse> {
    const known = pendingByConnection.get(connection);
    if (known) return known;
    const responses = new Set<ServerResponse>();
    pendingByConnection.set(connection, responses);
    connection.once('close', () => {
      pendingByConnection.delete(connection);
      // Node tells only the answer whose turn it is that the connection has closed, not those that wait behind it.
      for (const response of responses) if (!response.socket) response.emit('close');
    });
    return responses;
  }

  server.on('request', ({ socket }, response) => {
    const responses = pendingFor(socket).add(response);
    response.once('close', () => responses.delete(response));
  });

  return {
    all: () => [...pendingByConnection.values()].flatMap((responses) => [...responses]),
    lastFor: (connection) => [...(pendingByConnection.get(connection) ?? [])].at(-1),
  };
}
