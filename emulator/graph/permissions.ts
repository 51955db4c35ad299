/** The delegated permissions of which one is enough to change the user's own entry and its extensions, … */
export const mayWrite = ['User.ReadWrite', 'User.ReadWrite.All'] as const;
/** … and to read them. */
export const mayRead = ['User.Read', ...mayWrite] as const;
