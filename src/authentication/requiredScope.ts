/** The delegated scope that an access token needs, unless a provider's settings name another. */
export const requiredScope = 'access_as_user';
