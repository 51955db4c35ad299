import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The responses that are not complete yet. */
export interface PendingResponses {
  all(): ServerResponse[];
  /**
   * The last pending response of a connection (with HTTP pipelining there may be several) whose request has arrived completely. One that is
   * still expected may never come.
   */
  lastReceived(connection: Duplex): ServerResponse | undefined;
}

export function createPendingResponses(server: Server): PendingResponses {
  // One set per connection: with a single set, adding and removing would cost a third of a short request.
  const pendingByConnection = new Map<Duplex, Set<ServerResponse>>();

  function pendingFor(connection: Duplex): Set<ServerResponse> {
    const existing = pendingByConnection.get(connection);
    if (existing) return existing;
    const responses = new Set<ServerResponse>();
    pendingByConnection.set(connection, responses);
    connection.once('close', () => {
      pendingByConnection.delete(connection);
      // Node emits 'close' only on the response that is being sent, not on those queued behind it.
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
    lastReceived: (connection) =>
      [...(pendingByConnection.get(connection) ?? [])].filter(({ req }) => req.complete).at(-1),
  };
}
