// What stands below a curve while a finger, a mouse or the keyboard is at an instant: when, each line's value, why a value is doubted, and what was done.
import type { Chart, Line, Panel } from "./plot";

/** What is to be said of an instant (in seconds since 1970). */
export function told(data: Chart, panel: Panel, at: number): (string | HTMLElement)[] {
  const reach = reachOf(data);
  const parts: (string | HTMLElement)[] = [moment(data, holds(data, panel) ? at : measured(data, panel, at))];
  for (const line of panel.lines) parts.push(...valueOf(data, panel, line, at, reach));
  data.plot.marks.forEach((mark, n) => {
    if (Math.abs(mark.at - at) < reach) parts.push(data.marks[n] ?? "");
  });
  data.plot.holes.forEach((hole, n) => {
    if (hole.quantity === panel.quantity && hole.since <= at && at <= hole.until) parts.push(data.holes[n] ?? "");
  });
  return parts.flatMap((part, n) => (n ? [" · ", part] : [part]));
}

/** When what is told of an instant was measured; the instant itself where nothing was. */
function measured(data: Chart, panel: Panel, at: number): number {
  const near = nearestOf(instants(panel), at, reachOf(data));
  const shown = panel.lines.map((line) => line.at[valueAt(data, panel, line, at) ?? -1]);
  const every = [near, ...shown].filter((each) => each !== undefined).sort((one, other) => one - other);
  return nearestOf(every, at, Infinity) ?? at;
}

/** How far from an instant a value may be that is told of it, in seconds; between two readings of an unbroken line the nearer one is told, however far. */
function reachOf(data: Chart): number {
  return (data.plot.until - data.plot.since) / 80;
}

/** When anything of a panel was measured, in order: not where a line is broken, nor at the corner a second before a step. */
export function instants(panel: Panel): number[] {
  const isReading = ({ at, value }: Line, n: number): boolean =>
    typeof value[n] === "number" && !(panel.on_off && value[n] === value[n - 1] && at[n + 1] === (at[n] ?? 0) + 1);
  const every = panel.lines.flatMap((line) => [
    ...line.at.filter((_, n) => isReading(line, n)),
    ...(line.doubted?.at ?? []),
  ]);
  return [...new Set(every)].sort((one, other) => one - other);
}

/** The index of a line's value that is told of an instant: the one measured nearest to it, or of what is on or off, the one that holds then. */
export function valueAt(data: Chart, panel: Panel, line: Line, at: number): number | undefined {
  const reach = reachOf(data);
  if (!holds(data, panel)) return nearest(line.at, at, reach, line.value);
  const last = line.at.findLastIndex((each, n) => each <= at && line.value[n] !== null);
  return last < 0 || at - (line.at.at(-1) ?? at) > reach ? undefined : last;
}

/** Whether each value of a panel's lines holds until the next: not where they are of days. */
export function holds(data: Chart, panel: Panel): boolean {
  return panel.on_off && !data.plot.step_s;
}

function valueOf(data: Chart, panel: Panel, line: Line, at: number, reach: number): (string | HTMLElement)[] {
  const name = data.places[line.probe];
  const said = (value: number): string =>
    `${name ? `${name} ` : ""}${format(data, panel, value)}${panel.symbol ? `\u00a0${panel.symbol}` : ""}`;
  const found: (string | HTMLElement)[] = [];
  const n = valueAt(data, panel, line, at);
  const value = n === undefined ? null : line.value[n];
  if (n !== undefined && value !== null && value !== undefined) {
    const [low, high] = [line.low?.[n], line.high?.[n]];
    const range =
      low !== null && low !== undefined && high !== null && high !== undefined
        ? ` (${format(data, panel, low)} – ${format(data, panel, high)})`
        : "";
    found.push(said(value) + range);
  }
  const doubted = line.doubted && nearest(line.doubted.at, at, reach / 2);
  if (line.doubted && doubted !== undefined && doubted !== null) {
    const text = document.createElement("span");
    text.className = "doubt";
    text.textContent = `${said(line.doubted.value[doubted] ?? 0)} ${data.words["doubtful"]}: ${line.doubted.reason[doubted]}`;
    found.push(text);
  }
  return found;
}

function format(data: Chart, panel: Panel, value: number): string {
  const state = panel.on_off && data.values[panel.quantity]?.find((tick) => tick.at === value);
  if (state) return state.text;
  const text = value.toFixed(panel.decimals ?? 2);
  return number(panel.decimals === null ? String(Number(text)) : text, data.language);
}

/** As the hub writes it (see `number` in serve/pages/figures.py). To make an `Intl.NumberFormat` takes a slow phone tens of milliseconds. */
function number(text: string, language: string): string {
  const [mark, point] = language === "fr" ? ["\u00a0", ","] : [",", "."];
  const [whole = "", part] = text.split(".");
  const sign = whole.startsWith("-") && Number(text) !== 0 ? "\u2212" : "";
  const thousands = whole.replace("-", "").replace(/\B(?=(\d{3})+$)/g, mark);
  return sign + thousands + (part ? point + part : "");
}

/** The index of the instant that lies nearest to `at`, and not further than `reach`; of those with a value, where `values` are given. */
function nearest(instants: number[], at: number, reach: number, values?: (number | null)[]): number | undefined {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((instants[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  let before = low - 1;
  const unbroken = typeof values?.[before] === "number" && typeof values[low] === "number";
  while (values?.[before] === null) before--;
  while (values?.[low] === null) low++;
  const near = [before, low].filter((n) => n >= 0 && n < instants.length);
  near.sort((one, other) => Math.abs((instants[one] ?? 0) - at) - Math.abs((instants[other] ?? 0) - at));
  const best = near[0];
  return best !== undefined && (unbroken || Math.abs((instants[best] ?? 0) - at) <= reach) ? best : undefined;
}

function nearestOf(instants: number[], at: number, reach: number): number | undefined {
  const n = nearest(instants, at, reach);
  return n === undefined ? undefined : instants[n];
}

/** By the step of what is shown: a page has one time zone and one language. */
const clocks = new Map<number, Intl.DateTimeFormat>();

function moment(data: Chart, at: number): string {
  let clock = clocks.get(data.plot.step_s);
  if (!clock) {
    const time: Intl.DateTimeFormatOptions = data.plot.step_s
      ? { year: "numeric" }
      : { hour: "2-digit", minute: "2-digit" };
    const form: Intl.DateTimeFormatOptions = {
      weekday: "short",
      day: "numeric",
      month: "short",
      ...time,
      timeZone: data.time_zone,
    };
    clock = new Intl.DateTimeFormat(data.language === "fr" ? "fr-FR" : "en-GB", form);
    clocks.set(data.plot.step_s, clock);
  }
  return clock.format(at * 1000);
}
