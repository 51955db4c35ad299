import type { MappingStore, StoredMapping } from '../../mappingStore';

/** Mappings in memory: for the simulation, and as the reference in the conformance tests of the stores. */
export function createMemoryMappingStore(mappings = new Map<string, StoredMapping>()): MappingStore {
  let lastVersion = 0;
  const mapping = (communicationUserId: string, pendingDeletion: boolean): StoredMapping => ({
    communicationUserId,
    pendingDeletion,
    version: ++lastVersion,
  });

  return {
    removalHint: 'by restarting the server',

    find: ({ key }) => Promise.resolve(mappings.get(key)),

    add({ key }, communicationUserId) {
      const existing = mappings.get(key);
      if (existing) return Promise.resolve({ outcome: 'exists', mapping: existing });
      const added = mapping(communicationUserId, false);
      mappings.set(key, added);
      return Promise.resolve({ outcome: 'added', mapping: added });
    },

    cancelAdd: ({ key }, communicationUserId) =>
      Promise.resolve(mappings.get(key)?.communicationUserId === communicationUserId ? 'added' : 'cancelled'),

    replace({ key }, expected, { pendingDeletion }) {
      const current = mappings.get(key);
      if (!current) return Promise.resolve({ outcome: 'absent' });
      if (current.version !== expected.version) return Promise.resolve({ outcome: 'conflict' });
      const replaced = mapping(current.communicationUserId, pendingDeletion);
      mappings.set(key, replaced);
      return Promise.resolve({ outcome: 'replaced', mapping: replaced });
    },

    remove({ key }, expected) {
      const current = mappings.get(key);
      if (!current) return Promise.resolve('absent');
      if (current.version !== expected.version) return Promise.resolve('conflict');
      mappings.delete(key);
      return Promise.resolve('removed');
    },
  };
}
