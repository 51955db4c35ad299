export type Child = Node | string | undefined;
type Attribute = string | boolean | undefined | ((event: Event) => void);

/** An element with attributes (`onclick` and the like are listeners) and children; texts are only ever texts. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.replace(/^on/, ''), value);
    else if (value === true) made.setAttribute(name, '');
    else if (typeof value === 'string') made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element "${id}"`);
  return found;
}

export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = element('button', { type: 'button', class: 'small' }, label);
  button.addEventListener('click', () => {
    void navigator.clipboard.writeText(text()).then(
      () => say('Copied'),
      () => say('Not allowed to copy'),
    );
  });
  function say(what: string): void {
    button.textContent = what;
    setTimeout(() => (button.textContent = label), 1_500);
  }
  return button;
}

/** A list of names and values, each with a note if there is one. */
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
