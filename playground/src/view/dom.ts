export type Child = Node | string | undefined;
type Attribute = string | boolean | undefined | ((event: Event) => void);

/** Creates an element. Function attributes such as `onclick` become listeners; strings become text, never HTML. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') created.addEventListener(name.replace(/^on/, ''), value);
    else if (value === true) created.setAttribute(name, '');
    else if (typeof value === 'string') created.setAttribute(name, value);
  }
  created.append(...children.filter((child) => child !== undefined));
  return created;
}

export function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element with the id "${id}"`);
  return found;
}

export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = element('button', { type: 'button', class: 'small' }, label);
  button.addEventListener('click', () => {
    void navigator.clipboard.writeText(text()).then(
      () => showBriefly('Copied'),
      () => showBriefly('Copying is not allowed'),
    );
  });
  function showBriefly(text: string): void {
    button.textContent = text;
    setTimeout(() => (button.textContent = label), 1_500);
  }
  return button;
}

/** The rows of a definition list: name, value and optional note. */
export function definitions(entries: [name: string, value: Child, note?: Child][]): HTMLElement[] {
  return entries.map(([name, value, note]) =>
    element(
      'div',
      {},
      element('dt', {}, name),
      element('dd', {}, value),
      note === undefined ? undefined : element('dd', {}, note),
    ),
  );
}

export function timeOfDay(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min ${seconds % 60} s`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
