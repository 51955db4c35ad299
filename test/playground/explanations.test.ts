import { explanations } from '../../playground/src/explanations';
import { errorCodes } from '../../src/errors';

test('the playground explains exactly the errors of the API', () => {
  expect(Object.keys(explanations).sort()).toEqual(Object.keys(errorCodes).sort());
});

test('every explanation is different', () => {
  const titles = Object.values(explanations).map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});
