import { writeFileSync } from 'node:fs';
import { bicepToArm } from './bicepToArm';
import { parseBicep } from './bicepSyntax';
import { inInfra, readArmTemplate } from './infraFiles';

describe('infra/azuredeploy.json', () => {
  // After a change of app.bicep: UPDATE_ARM_TEMPLATE=1 npx jest test/infra/templates.test.ts && npx prettier --write infra
  it('is the same as app.bicep', async () => {
    const fromBicep = {
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
      languageVersion: '2.0',
      contentVersion: '1.0.0.0',
      ...bicepToArm(await parseBicep(inInfra('app.bicep'))),
    };
    if (process.env.UPDATE_ARM_TEMPLATE) {
      writeFileSync(inInfra('azuredeploy.json'), `${JSON.stringify(fromBicep, null, 2)}\n`);
    }
    expect(readArmTemplate()).toEqual(fromBicep);
  });
});
