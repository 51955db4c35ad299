import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

interface Violation {
  id: string;
  nodes: { html: string }[];
}

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const folder = process.env.SCREENSHOTS;

/** A page may change its colors by a script, and gradually: in between the contrast is neither that of light nor of dark colors. */
const untilColorsHaveChanged = `(async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  const transitions = document.getAnimations().filter((each) => each instanceof CSSTransition);
  await Promise.allSettled(transitions.map(({ finished }) => finished));
})()`;

/** Fails if axe-core finds anything, or if the page is wider than the screen; in light and in dark colors. */
export async function expectAccessible(page: Page, state: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(untilColorsHaveChanged);
    if (folder !== undefined) {
      await page.screenshot({ path: join(folder, `${state}-${colorScheme}.png`), fullPage: true });
    }
    const violations = await page.evaluate<Violation[]>(
      `${axe}; axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)`,
    );
    const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
    expect({ state, colorScheme, found }).toEqual({ state, colorScheme, found: [] });
  }
  const overflows = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  expect({ state, overflows: await page.evaluate<boolean>(overflows) }).toEqual({ state, overflows: false });
}
