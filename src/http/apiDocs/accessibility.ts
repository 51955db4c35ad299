/**
 * Dark colors if the reader prefers them, and fixes for screen readers that Swagger UI lacks: names of fields, levels of headings, no links
 * inside buttons. Swagger UI renders repeatedly, so the fixes are applied after each change of the page.
 */
export const accessibilityScript = `
const dark = matchMedia('(prefers-color-scheme: dark)');
const chooseColors = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', chooseColors);
chooseColors();

const set = (attributes) => (element) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
};
const remove = (attribute) => (element) => element.removeAttribute(attribute);
const fixes = Object.entries({
  '.information-container': set({ role: 'region', 'aria-label': 'About the API' }),
  '.modal-ux': set({ role: 'dialog', 'aria-label': 'Authorize' }),
  '.close-modal': set({ 'aria-label': 'Close' }),
  '.auth-container .authorize': remove('aria-label'),
  'h3.opblock-tag, .modal-ux-header h3': set({ 'aria-level': '2' }),
  '.opblock h4, .auth-container h4': set({ 'aria-level': '3' }),
  '.opblock h5': set({ 'aria-level': '4' }),
  '.opblock-summary-control a': remove('href'),
  'table[role=region]': remove('role'),
  '.examples-select-element': set({ 'aria-label': 'Example' }),
  'select.content-type': set({ 'aria-label': 'Media type' }),
  // They scroll, also by keyboard.
  '.responses-wrapper pre': set({ tabindex: '0' }),
  '.body-param__text': set({ 'aria-label': 'Request body' }),
});
const applyFixes = () => {
  for (const [selector, fix] of fixes) document.querySelectorAll(selector).forEach(fix);
};
new MutationObserver(applyFixes).observe(document.body, { childList: true, subtree: true });
`;
