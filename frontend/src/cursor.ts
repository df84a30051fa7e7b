// One panel under a finger: a line at the instant, a spot on each curve, and what is to be said of it below.
import type { Chart, Line, Panel } from "./plot";
import { holds, instants, told, valueAt } from "./readout";

/** What screen readers are told an instant's place in, between the ends of the curve. */
const STEPS = 1000;

/** Makes a plot something that the keyboard reaches: before anybody asks, it tells what is newest. */
export function reachable(plot: HTMLElement): void {
  const label = plot.querySelector("svg.curve")?.getAttribute("aria-label") ?? "";
  const newest = plot.parentElement?.querySelector(".latest")?.textContent.trim() ?? "";
  plot.tabIndex = 0;
  const said = {
    role: "slider",
    "aria-label": label,
    "aria-valuemin": 0,
    "aria-valuemax": STEPS,
    "aria-describedby": "help",
  };
  for (const [name, value] of Object.entries({ ...said, "aria-valuenow": STEPS, "aria-valuetext": newest }))
    plot.setAttribute(name, String(value));
}

export class Cursor {
  /** When anything of it was measured, in seconds since 1970. */
  readonly instants: number[];
  private readonly over = element("over");
  private readonly hair = element("hair");
  private readonly chosen = element("chosen");
  private readonly spots: HTMLElement[];

  constructor(
    private readonly data: Chart,
    private readonly panel: Panel,
    private readonly plot: HTMLElement,
    private readonly text: HTMLElement,
  ) {
    this.instants = instants(panel);
    this.spots = panel.lines.map((_, n) => element(`spot spot-${n % 4}`));
    this.hide();
    this.unchoose();
    this.over.append(this.chosen, this.hair, ...this.spots);
    plot.append(this.over);
  }

  /** Show an instant, in seconds since 1970. */
  show(at: number): void {
    const [share, parts] = [this.share(at), told(this.data, this.panel, at)];
    this.text.replaceChildren(...parts);
    this.hair.style.left = percent(share);
    this.hair.hidden = false;
    this.panel.lines.forEach((line, n) => this.mark(this.spots[n], line, at));
    this.plot.setAttribute("aria-valuenow", String(Math.round(share * STEPS)));
    this.plot.setAttribute("aria-valuetext", this.text.textContent);
  }

  hide(): void {
    for (const each of [this.hair, ...this.spots]) each.hidden = true;
    this.text.replaceChildren();
  }

  /** Show what is about to be zoomed into, from and to shares of the width. */
  choose(from: number, to: number): void {
    this.chosen.style.left = percent(from);
    this.chosen.style.width = percent(to - from);
    this.chosen.hidden = false;
  }

  unchoose(): void {
    this.chosen.hidden = true;
  }

  private mark(spot: HTMLElement | undefined, line: Line, at: number): void {
    const n = valueAt(this.data, this.panel, line, at);
    const value = n === undefined ? null : line.value[n];
    if (!spot) return;
    spot.hidden = n === undefined || value === null || value === undefined;
    if (spot.hidden) return;
    const [low, high] = this.panel.axis;
    spot.style.left = percent(this.share(holds(this.data, this.panel) ? at : (line.at[n ?? 0] ?? at)));
    spot.style.top = percent((high - (value ?? low)) / (high - low));
  }

  private share(at: number): number {
    const { since, until } = this.data.plot;
    return (at - since) / (until - since);
  }
}

function element(name: string): HTMLElement {
  const made = document.createElement("i");
  made.className = name;
  return made;
}

function percent(share: number): string {
  return `${(100 * Math.min(Math.max(share, 0), 1)).toFixed(2)}%`;
}
