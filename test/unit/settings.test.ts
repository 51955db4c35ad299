import { type SettingName, settings } from '../../src/config/settings';

const names = Object.keys(settings) as SettingName[];

describe.each(names)('%s', (name) => {
  const { schema, defaultText: fallback, description: what, source: where, format: form } = settings[name];

  it('has a description, a source and a format', () => {
    for (const text of [what, where, form]) expect(text).toMatch(/^\S.+\S$/);
    expect(name).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
  });

  it('accepts its own default', () => {
    expect(fallback === undefined || schema.safeParse(fallback).success).toBe(true);
  });
});
