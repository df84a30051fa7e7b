// The hub draws long lines from some of their points, and roughly, so that the page comes soon; here they are drawn from all of them, in the same place (see serve/pages/curve.py).
import type { Chart, Line, Panel } from "./plot";

/** Draw the lines of a panel (`path[data-line]`, each with its number) from all their points. */
export function refine(data: Chart, panel: Panel, plot: HTMLElement): void {
  for (const path of plot.querySelectorAll<SVGPathElement>("path[data-line]")) {
    const line = panel.lines[Number(path.dataset["line"])];
    if (!line) continue;
    path.setAttribute("d", path.classList.contains("area") ? area(data, panel, line) : trace(data, panel, line));
  }
}

type Place = [x: number, y: number];

/** Where a value is, in percent of the drawing. */
function placed(data: Chart, panel: Panel, at: number, value: number): Place {
  const { since, until } = data.plot;
  const [low, high] = panel.axis;
  const y = Math.min(Math.max((100 * (high - value)) / (high - low), 0), 100);
  return [round((100 * (at - since)) / (until - since)), round(y)];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Lines through the values, broken where there is none; a lone value is a short stroke. */
function trace(data: Chart, panel: Panel, line: Line): string {
  return stretches(line.value)
    .map((stretch) => {
      const places = stretch.map((n) => placed(data, panel, line.at[n] ?? 0, line.value[n] ?? 0).join(" "));
      return `M${places.join("L")}${places.length === 1 ? "h.3" : ""}`;
    })
    .join("");
}

/** The outline between the lowest and highest values of each stretch. */
function area(data: Chart, panel: Panel, { at, low, high }: Line): string {
  if (!low || !high) return "";
  const edge = (stretch: number[], values: (number | null)[]): string[] =>
    stretch.map((n) => placed(data, panel, at[n] ?? 0, values[n] ?? 0).join(" "));
  return stretches(low)
    .filter((stretch) => stretch.length > 1)
    .map((stretch) => `M${[...edge(stretch, high), ...edge(stretch, low).reverse()].join("L")}Z`)
    .join("");
}

/** The indices of values that stand beside each other without a break. */
function stretches(values: (number | null)[]): number[][] {
  const found: number[][] = [];
  let stretch: number[] = [];
  values.forEach((value, n) => {
    if (value !== null) stretch.push(n);
    if ((value === null || n === values.length - 1) && stretch.length) {
      found.push(stretch);
      stretch = [];
    }
  });
  return found;
}
