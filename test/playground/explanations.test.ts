import { explanations } from '../../playground/src/explanations';
import { errorCodes } from '../../src/errors';

test('the playground explains every error of the API, and no other', () => {
  expect(Object.keys(explanations).sort()).toEqual(Object.keys(errorCodes).sort());
});

test('each explanation is of its own', () => {
  const titles = Object.values(explanations).map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});
