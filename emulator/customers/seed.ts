/** The tenants for customers. As in emulator/seed.ts, all values are fictitious and public. */
export const externalIdSeed = {
  tenantId: 'e7e40000-0000-4000-8000-000000000011',
  tenantName: 'contosocustomers',
  apiClientId: 'e7a90000-0000-4000-8000-000000000012',
  clientId: 'e7c10000-0000-4000-8000-000000000013',
};

export const b2cSeed = {
  tenantId: 'b2c40000-0000-4000-8000-000000000021',
  tenantName: 'contosob2c',
  apiClientId: 'b2a90000-0000-4000-8000-000000000022',
  clientId: 'b2c10000-0000-4000-8000-000000000023',
  /** The first one issues tokens by default. */
  policies: ['B2C_1_susi', 'B2C_1_profile'],
};
