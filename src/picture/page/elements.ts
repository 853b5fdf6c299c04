/** An element with attributes and children; texts are texts, whatever they hold. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button that runs `action`. */
export function button(text: string, label: string, action: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', title: label, 'aria-label': label }, text);
  made.addEventListener('click', action);
  return made;
}

/** A button that stays pressed until it is pressed again. */
export function toggle(text: string, label: string, change: (isOn: boolean) => void): HTMLButtonElement {
  const made = button(text, label, () => {
    const isOn = made.getAttribute('aria-pressed') !== 'true';
    made.setAttribute('aria-pressed', String(isOn));
    change(isOn);
  });
  made.setAttribute('aria-pressed', 'false');
  return made;
}
