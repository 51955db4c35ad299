import { type SettingName, settings } from '../../src/config/settings';

const names = Object.keys(settings) as SettingName[];

describe.each(names)('%s', (name) => {
  const { schema, defaultText: fallback, description: what, source: where, format: form } = settings[name];

  it('says what it is for, where to find it, and how it is written', () => {
    for (const text of [what, where, form]) expect(text).toMatch(/^\S.+\S$/);
    expect(name).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  });

  it('has a default that it accepts itself, if it has one', () => {
    expect(fallback === undefined || schema.safeParse(fallback).success).toBe(true);
  });
});
