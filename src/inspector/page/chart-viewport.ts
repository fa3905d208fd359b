import type { Box } from '../../charts/layout.ts';
import type { Drawn } from './chart-picture.ts';
import { byId } from './dom.ts';

/** Which part of the chart is seen, and how large: it follows the state, until somebody moves it. */

/** As large as the text is drawn where the chart follows. */
const FOLLOW_SCALE = 0.82;
const SCALES = { min: 0.12, max: 2.5 };

export class ChartViewport {
  readonly #element: HTMLElement;
  readonly #followButton = byId('follow');
  #shown: { drawn: Drawn; box: Box } | undefined;
  #follows = true;
  #scale = 1;
  #x = 0;
  #y = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
    const zoom = (by: number) => () => this.#zoom(by);
    byId('zoom-in').addEventListener('click', zoom(1.25));
    byId('zoom-out').addEventListener('click', zoom(0.8));
    byId('zoom-fit').addEventListener('click', () => this.#fit());
    this.#followButton.addEventListener('click', () => this.#follow(!this.#follows));
    element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    element.addEventListener('pointerdown', (event) => this.#drag(event));
    element.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.#settle(false)).observe(element);
  }

  /** Looks at a picture, in which the box is what is to be followed; `glide` where the same one was seen before. */
  look(drawn: Drawn, box: Box, glide: boolean): void {
    this.#shown = { drawn, box };
    this.#settle(glide);
  }

  #settle(glide: boolean): void {
    if (this.#follows) this.#centre(glide);
    else this.#place(false);
  }

  #follow(follows: boolean): void {
    this.#follows = follows;
    this.#followButton.setAttribute('aria-pressed', String(follows));
    if (follows) this.#centre(true);
  }

  /** Brings what is followed to the middle, as large as it reads well. */
  #centre(glide: boolean): void {
    if (this.#shown === undefined) return;
    const { box, drawn } = this.#shown;
    const { clientWidth, clientHeight } = this.#element;
    const { width, height } = drawn.picture.layout;
    const whole = Math.min(clientWidth / width, clientHeight / height) * 0.96;
    this.#scale = Math.max(Math.min(whole, 1.1), FOLLOW_SCALE);
    const middle = (at: number, length: number, room: number, total: number): number => {
      const free = room - total * this.#scale;
      if (free >= 0) return free / 2;
      // No more paper beside the chart than there must be.
      return Math.min(24, Math.max(free - 24, room / 2 - (at + length / 2) * this.#scale));
    };
    this.#x = middle(box.x, box.width, clientWidth, width);
    this.#y = middle(box.y, box.height, clientHeight, height);
    this.#place(glide);
  }

  #fit(): void {
    if (this.#shown === undefined) return;
    this.#follow(false);
    const { clientWidth, clientHeight } = this.#element;
    const { width, height } = this.#shown.drawn.picture.layout;
    this.#scale = Math.min(clientWidth / width, clientHeight / height, 1.2) * 0.96;
    this.#x = (clientWidth - width * this.#scale) / 2;
    this.#y = (clientHeight - height * this.#scale) / 2;
    this.#place(true);
  }

  #place(glide: boolean): void {
    if (this.#shown === undefined) return;
    const { root, view } = this.#shown.drawn;
    root.classList.toggle('glides', glide);
    root.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    const { clientWidth, clientHeight } = this.#element;
    const box = {
      x: -this.#x / this.#scale,
      y: -this.#y / this.#scale,
      width: clientWidth / this.#scale,
      height: clientHeight / this.#scale,
    };
    for (const [name, value] of Object.entries(box)) view.setAttribute(name, String(value));
  }

  #zoom(by: number, x = this.#element.clientWidth / 2, y = this.#element.clientHeight / 2): void {
    this.#follow(false);
    const scale = Math.min(SCALES.max, Math.max(SCALES.min, this.#scale * by));
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#place(false);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const { left, top } = this.#element.getBoundingClientRect();
    if (event.ctrlKey) this.#zoom(Math.exp(-event.deltaY / 200), event.clientX - left, event.clientY - top);
    else this.#move(-event.deltaX, -event.deltaY);
  }

  #move(byX: number, byY: number): void {
    this.#follow(false);
    this.#x += byX;
    this.#y += byY;
    this.#place(false);
  }

  #drag(down: PointerEvent): void {
    if (down.button !== 0 || (down.target as Element).closest('button') !== null) return;
    const move = ({ movementX, movementY }: PointerEvent) => this.#move(movementX, movementY);
    this.#element.setPointerCapture(down.pointerId);
    this.#element.addEventListener('pointermove', move);
    // However it ends.
    this.#element.addEventListener(
      'lostpointercapture',
      () => this.#element.removeEventListener('pointermove', move),
      { once: true },
    );
  }

  #key(event: KeyboardEvent): void {
    // The browser's own, its zoom and its search.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const work: Record<string, () => void> = {
      '+': () => this.#zoom(1.25),
      '-': () => this.#zoom(0.8),
      '0': () => this.#fit(),
      f: () => this.#follow(true),
      ArrowLeft: () => this.#move(60, 0),
      ArrowRight: () => this.#move(-60, 0),
      ArrowUp: () => this.#move(0, 60),
      ArrowDown: () => this.#move(0, -60),
    };
    const done = event.target === this.#element ? work[event.key] : undefined;
    if (done === undefined) return;
    event.preventDefault();
    done();
  }
}
