/** Any one of these permissions is enough for all users, delegated or as application permission, … */
export const forAllUsers = {
  read: ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  write: ['User.ReadWrite.All', 'Directory.ReadWrite.All'],
} as const;
/** … and these delegated permissions are enough for the signed-in user only. */
export const forOwnUser = { read: ['User.Read', 'User.ReadWrite'], write: ['User.ReadWrite'] } as const;
