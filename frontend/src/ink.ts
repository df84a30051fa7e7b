// What is drawn around the curves: limits behind them, and what happened before them.
import type uPlot from "uplot";
import type { Band, Chart, Panel } from "./plot";

/** The page's colours, as they are now. */
export interface Ink {
  soft: string;
  hair: string;
  paper: string;
  ink: string;
  alert: string;
  ideal: string;
  tolerable: string;
  hole: string;
  lines: string[];
  font: string;
}

const NAMES = ["soft", "hair", "paper", "ink", "alert", "ideal", "tolerable", "stale-depth"];
const LINES = ["line", "line-1", "line-2", "line-3"];

/** What the axes are written in. */
export function fontOf(place: HTMLElement): string {
  return `13px ${getComputedStyle(place).fontFamily}`;
}

/** The colours of the page's style sheet: light or dark, whichever is shown. */
export function inkOf(place: HTMLElement): Ink {
  const names = [...NAMES, ...LINES];
  const probes = names.map((name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    return probe;
  });
  const box = document.createElement("i");
  box.hidden = true;
  box.append(...probes);
  place.append(box); // all at once: each change of the page costs it as much as all of them
  const known = new Map(names.map((name, n) => [name, hex(getComputedStyle(probes[n] ?? box).color)]));
  box.remove();
  const colour = (name: string): string => known.get(name) ?? "";
  return {
    soft: colour("soft"),
    hair: colour("hair"),
    paper: colour("paper"),
    ink: colour("ink"),
    alert: colour("alert"),
    ideal: colour("ideal"),
    tolerable: colour("tolerable"),
    hole: colour("stale-depth") + "70",
    lines: LINES.map(colour),
    font: fontOf(place),
  };
}

/** `rgb(10, 20, 30)` as `#0a141e`. */
function hex(colour: string): string {
  const parts = colour.match(/\d+/g) ?? ["0", "0", "0"];
  return (
    "#" +
    parts
      .slice(0, 3)
      .map((part) => Number(part).toString(16).padStart(2, "0"))
      .join("")
  );
}

/** The limits and the holes, behind everything. */
export function ideal(chart: uPlot, panel: Panel, data: Chart, ink: Ink): void {
  const { ctx, bbox } = chart;
  const stripe = (band: Band | null, fill: string): void => {
    if (!band) return;
    const at = (value: number | null, end: number): number =>
      value === null ? end : Math.min(Math.max(chart.valToPos(value, "y", true), bbox.top), bbox.top + bbox.height);
    const [top, bottom] = [at(band.high, bbox.top), at(band.low, bbox.top + bbox.height)];
    ctx.fillStyle = fill;
    ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
  };
  ctx.save();
  stripe(panel.tolerable, ink.tolerable);
  stripe(panel.ideal, ink.ideal);
  ctx.fillStyle = ink.hole;
  const own = data.plot.holes.filter((each) => each.quantity === panel.quantity);
  for (const [since, until] of new Map(
    own.map((each) => [`${each.since} ${each.until}`, [each.since, each.until] as const]),
  ).values()) {
    const [left, right] = [chart.valToPos(since, "x", true), chart.valToPos(until, "x", true)];
    ctx.fillRect(left, bbox.top, Math.max(right - left, 1), bbox.height);
  }
  ctx.restore();
}

/** A line where something was done. */
export function marks(chart: uPlot, data: Chart, ink: Ink): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = ink.ink;
  ctx.fillStyle = ink.ink;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of data.plot.marks) {
    const x = chart.valToPos(mark.at, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(x, bbox.top, 3.5 * devicePixelRatio, 0, 7);
    ctx.fill();
  }
  ctx.restore();
}
