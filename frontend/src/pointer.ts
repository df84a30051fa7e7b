// Turns what a mouse or fingers do over the curves into what is wanted: to read an instant, or to see another part.

/** What is wanted. Places are shares of the curves' width, from 0 to 1; what two fingers draw together goes beyond. */
export interface Wanted {
  look(plot: HTMLElement, share: number): void;
  leave(): void;
  choose(plot: HTMLElement, from: number, to: number): void;
  unchoose(plot: HTMLElement): void;
  pinch(from: number, to: number): void;
  unpinch(): void;
  zoom(plot: HTMLElement, from: number, to: number): void;
}

/** A finger that rests so long wants to read, and not to scroll. */
const HOLD_MS = 120;
/** Less than that is a shaking hand. */
const LEAST_PX = 8;

interface Press {
  plot: HTMLElement;
  x: number;
  y: number;
  mouse: boolean;
  /** Whether a finger is known to read by now. */
  reads: boolean;
  hold: number;
}

/** Two fingers: the share of the width in their middle, and how many pixels are between them. */
interface Span {
  at: number;
  px: number;
}

interface Pinch {
  plot: HTMLElement;
  began: Span;
  from: number;
  to: number;
}

/** Hears all plots below `place`. A mouse reads where it is and zooms where it is dragged; a finger reads where it taps, rests or is drawn along; two zoom. */
export function hear(place: HTMLElement, wanted: Wanted): void {
  let press: Press | undefined;
  let pinch: Pinch | undefined;
  const fingers = new Map<number, PointerEvent>();
  const begin = (event: PointerEvent): void => {
    const plot = plotOf(event.target);
    if (event.isPrimary) fingers.clear(); // the others are gone, whether or not they said so
    if (!plot || event.button !== 0) return;
    const { clientX: x, clientY: y } = event;
    const mouse = event.pointerType === "mouse";
    if (!mouse) touched(event);
    if (fingers.size === 2) {
      cancel(event);
      pinch = { plot, began: between(plot, fingers), from: 0, to: 1 };
    }
    if (!event.isPrimary) return;
    const now: Press = { plot, x, y, mouse, reads: false, hold: 0 };
    if (mouse) plot.setPointerCapture(event.pointerId);
    else now.hold = setTimeout(() => read(now, x), HOLD_MS);
    press = now;
  };
  const read = (by: Press, x: number): void => {
    clearTimeout(by.hold);
    by.reads = true;
    wanted.look(by.plot, held(share(by.plot, x)));
  };
  const move = (event: PointerEvent): void => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
    if (pinch && fingers.size === 2) {
      const now = between(pinch.plot, fingers);
      const size = pinch.began.px / now.px; // what was in the middle of the fingers stays there
      pinch.from = pinch.began.at - now.at * size;
      pinch.to = pinch.from + size;
      return wanted.pinch(pinch.from, pinch.to);
    }
    if (!press && event.pointerType === "mouse") hover(event);
    if (!press || !event.isPrimary) return;
    const [across, down] = [Math.abs(event.clientX - press.x), Math.abs(event.clientY - press.y)];
    if (press.mouse && across >= LEAST_PX) wanted.choose(press.plot, ...ends(press, event));
    if (press.mouse || press.reads || across > Math.max(down, LEAST_PX / 2)) read(press, event.clientX);
  };
  const hover = (event: PointerEvent): void => {
    const plot = plotOf(event.target);
    const at = plot ? share(plot, event.clientX) : -1;
    if (plot && at >= 0 && at <= 1) wanted.look(plot, at);
    else wanted.leave();
  };
  const end = (event: PointerEvent): void => {
    gone(event);
    if (pinch) {
      const { plot, from, to } = pinch;
      pinch = undefined;
      return wanted.zoom(plot, from, to);
    }
    if (!press || !event.isPrimary) return;
    const done = press;
    press = undefined;
    if (!done.mouse) read(done, event.clientX);
    else if (Math.abs(event.clientX - done.x) >= LEAST_PX) wanted.zoom(done.plot, ...ends(done, event));
    else wanted.unchoose(done.plot);
  };
  const cancel = (event: Event): void => {
    if (event.type === "pointercancel") gone(event as PointerEvent);
    if (pinch) wanted.unpinch();
    pinch = undefined;
    if (!press) return;
    clearTimeout(press.hold);
    wanted.unchoose(press.plot);
    if (press.reads) wanted.leave();
    press = undefined;
  };
  const still = (event: TouchEvent): void => {
    if (pinch && event.cancelable) event.preventDefault(); // the page is not scrolled by two fingers
  };
  // Each scroll waits for who hears this, so it is heard from the first finger on a curve only: browsers look again for the second.
  const touched = (event: PointerEvent): void => {
    fingers.set(event.pointerId, event);
    place.addEventListener("touchmove", still, { passive: false });
  };
  const gone = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    if (!fingers.size) place.removeEventListener("touchmove", still);
  };
  place.addEventListener("pointerdown", begin);
  place.addEventListener("pointermove", move);
  addEventListener("pointerup", end); // wherever: what was touched may have been replaced
  addEventListener("pointercancel", cancel); // the page is scrolled
  place.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !press) wanted.leave();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancel(event);
  });
  addEventListener("click", ({ target }) => {
    if (target instanceof Element && !plotOf(target)) wanted.leave();
  });
}

export function plotOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(".plot") : null;
}

function share(plot: HTMLElement, x: number): number {
  const box = plot.querySelector("svg.curve")?.getBoundingClientRect();
  return box?.width ? (x - box.left) / box.width : 0;
}

function between(plot: HTMLElement, fingers: Map<number, PointerEvent>): Span {
  const [one, other] = [...fingers.values()] as [PointerEvent, PointerEvent];
  const px = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  return { at: share(plot, (one.clientX + other.clientX) / 2), px: Math.max(px, LEAST_PX) };
}

function held(at: number): number {
  return Math.min(Math.max(at, 0), 1);
}

function ends(press: Press, event: PointerEvent): [number, number] {
  const [one, other] = [held(share(press.plot, press.x)), held(share(press.plot, event.clientX))];
  return [Math.min(one, other), Math.max(one, other)];
}
