/** Properties of users in Graph, as its documentation lists them, that no user of the emulator has. */
export const otherUserProperties = new Set(
  `
  aboutMe accountEnabled ageGroup assignedLicenses assignedPlans birthday city companyName
  consentProvidedForMinor country createdDateTime creationType customSecurityAttributes deletedDateTime
  department employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType
  externalUserState externalUserStateChangeDateTime faxNumber hireDate identities identityParentId
  imAddresses interests isManagementRestricted isResourceAccount lastPasswordChangeDateTime
  legalAgeGroupClassification licenseAssignmentStates mailboxSettings mailNickname mySite
  onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId
  onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSamAccountName
  onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails
  passwordPolicies passwordProfile pastProjects postalCode preferredDataLocation preferredName
  provisionedPlans proxyAddresses responsibilities schools securityIdentifier serviceProvisioningErrors
  showInAddressList signInActivity signInSessionsValidFromDateTime skills state streetAddress
  usageLocation userType
`
    .trim()
    .split(/\s+/),
);
