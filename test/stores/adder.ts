import type { AuthenticatedUser } from '../../src/authentication/authenticatedUser';
import { withDeadline } from '../../src/resilience/deadline';
import { openStore, type StoreAddress } from './openStore';

/** The task of this process: to add all these identities concurrently for one user. */
export interface AddTask {
  address: StoreAddress;
  user: AuthenticatedUser;
  communicationUserIds: string[];
}

/** How each of them ended, and which identity is mapped since. */
export interface AddOutcome {
  outcome: 'added' | 'exists';
  mapped: string;
}

// Gets two messages: the task, so that it can open its store, and the signal to begin, together with the other process.
process.once('message', (task: AddTask) => {
  const store = openStore(task.address);
  process.once('message', () => {
    void addAll(store, task).then((outcomes) => process.send?.(outcomes, () => process.disconnect()));
  });
  process.send?.('ready');
});

function addAll(
  store: ReturnType<typeof openStore>,
  { user, communicationUserIds }: AddTask,
): Promise<AddOutcome[]> {
  return Promise.all(
    communicationUserIds.map(async (id) => {
      const { outcome, mapping } = await withDeadline(20_000, undefined, (deadline) =>
        store.add(user, id, { deadline }),
      );
      return { outcome, mapped: mapping.communicationUserId };
    }),
  );
}
