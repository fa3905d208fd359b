/** The elements of the page. */

type Attributes = Record<string, string | number | boolean | undefined>;

function fill<T extends Element>(element: T, attributes: Attributes, children: (Node | string)[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

export const html = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] => fill(document.createElement(name), attributes, children);

export const svg = <K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

/** What index.html has under that id. */
export function byId<T extends Element = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as unknown as T;
}

/**
 * Calls back with what is pressed, as the button goes down: until it is released the page may have been drawn anew, and what
 * was pressed is there no more, which to a browser is no click.
 */
export function onPress(element: Element, pressed: (target: Element) => void): void {
  element.addEventListener('mousedown', (event) => {
    const { button, target } = event as MouseEvent;
    if (button === 0) pressed(target as Element);
  });
  // By the keyboard, or by a program that reads the page to somebody.
  element.addEventListener('click', (event) => {
    const { detail, target } = event as MouseEvent;
    if (detail === 0) pressed(target as Element);
  });
}

/** Has work done once before the next picture, however often it is asked for. */
export function onceAFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
