/** The application role with which administrators and off-boarding jobs manage the communication identities of all users. */
export const manageUsersRole = 'CommunicationUsers.Manage.All';
