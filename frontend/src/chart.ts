// The curves of a site's page: one chart for each quantity, on one time axis, in the place of what the server drew.
import uPlot from "uplot";
import type { Chart, Line, Panel, Tick } from "./plot";
import { fontOf, ideal, marks, type Ink, inkOf } from "./ink";
import { readout } from "./readout";

const HEIGHT = 210;
const SYNC = "site";
const DASHES: (number[] | undefined)[] = [undefined, [7, 3], [2, 3], [9, 3, 2, 3]];

/** One panel on the page: its chart, and how it is made anew with other data. */
class Shown {
  private chart: uPlot | undefined;

  constructor(
    private readonly place: HTMLElement,
    private readonly text: HTMLElement,
    private readonly zoomed: (from: number, to: number) => void,
  ) {}

  /** Whether it is in the window now. */
  get seen(): boolean {
    const { top, bottom } = this.place.getBoundingClientRect();
    return top < innerHeight && bottom > 0;
  }

  draw(data: Chart, panel: Panel, brush: Brush): void {
    this.chart?.destroy();
    this.place.replaceChildren();
    this.text.replaceChildren();
    const columns = joined(panel);
    this.chart = new uPlot(this.options(data, panel, brush), columns, this.place);
    this.place.setAttribute("role", "img");
    this.place.setAttribute("aria-label", data.labels[panel.quantity] ?? panel.quantity);
  }

  fit(width: number): void {
    this.chart?.setSize({ width, height: HEIGHT });
  }

  /** Draws the same again, with a font that has come meanwhile. */
  redraw(): void {
    this.chart?.redraw(false);
  }

  private options(data: Chart, panel: Panel, { ink, width }: Brush): uPlot.Options {
    return {
      width,
      height: HEIGHT,
      padding: [8, 22, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: SYNC, setSeries: false },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
      },
      scales: {
        x: { time: false, range: [data.plot.since, data.plot.until] },
        y: { range: [panel.axis[0], panel.axis[1]] },
      },
      axes: [
        {
          stroke: ink.soft,
          font: ink.font,
          grid: { stroke: ink.hair, width: 1 },
          ticks: { show: false },
          size: 26,
          ...named(data.times),
        },
        {
          stroke: ink.soft,
          font: ink.font,
          grid: { stroke: ink.hair, width: 1 },
          ticks: { show: false },
          size: 48,
          gap: 4,
          ...named(data.values[panel.quantity] ?? []),
        },
      ],
      series: [{}, ...panel.lines.flatMap((line, n) => seriesOf(line, n, ink))],
      bands: panel.lines.flatMap((line, n) =>
        line.low ? [{ series: [seriesAt(panel, n) + 2, seriesAt(panel, n) + 1], fill: ink.lines[n % 4] + "38" }] : [],
      ) as uPlot.Band[],
      hooks: {
        drawClear: [(chart) => ideal(chart, panel, data, ink)],
        draw: [(chart) => marks(chart, data, ink)],
        setCursor: [(chart) => readout(chart, this.text, data, panel)],
        setSelect: [
          (chart) => {
            if (chart.select.width < 8) return;
            const [from, to] = [chart.select.left, chart.select.left + chart.select.width].map((x) =>
              chart.posToVal(x, "x"),
            );
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            this.zoomed(Math.floor(from ?? 0), Math.ceil(to ?? 0));
          },
        ],
      },
    };
  }
}

/** So few points are shown as such: what was measured by hand would be lost in a line. */
const FEW = 16;

/** Of each line: its values, its extremes where it has them, and its doubted points where it has them. */
function seriesOf(line: Line, n: number, ink: Ink): uPlot.Series[] {
  const colour = ink.lines[n % 4] ?? ink.soft;
  const dash = DASHES[n % 4];
  const points: uPlot.Series.Points =
    line.at.length <= FEW ? { show: true, size: 7, stroke: colour, fill: colour } : { show: false };
  const curve: uPlot.Series = { stroke: colour, width: 1.75, points, ...(dash ? { dash } : {}) };
  const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
  const doubted: uPlot.Series = {
    stroke: ink.alert,
    width: 0,
    paths: () => null,
    points: { show: true, size: 7, width: 1.75, stroke: ink.alert, fill: ink.paper },
  };
  return [curve, ...(line.low ? [edge, edge] : []), ...(line.doubted?.at.length ? [doubted] : [])];
}

/** Where the first series of the line stands among those of the panel. */
export function seriesAt(panel: Panel, n: number): number {
  return (
    1 +
    panel.lines.slice(0, n).reduce((sum, line) => sum + 1 + (line.low ? 2 : 0) + (line.doubted?.at.length ? 1 : 0), 0)
  );
}

/** All lines of a panel over one column of instants; a line has no value where only another one has (undefined), and a break where it has null. */
function joined(panel: Panel): uPlot.AlignedData {
  const tables = panel.lines.flatMap((line): uPlot.AlignedData[] => {
    const values = [line.value, ...(line.low && line.high ? [line.low, line.high] : [])];
    const doubted = line.doubted?.at.length
      ? [[line.doubted.at, line.doubted.value.map((value) => held(value, panel))] as uPlot.AlignedData]
      : [];
    return [[line.at, ...values] as uPlot.AlignedData, ...doubted];
  });
  const gaps = tables.map((table) => table.map(() => 1 as const)); // undefined joins, null breaks
  return uPlot.join(tables, gaps as uPlot.JoinNullMode[][]);
}

/** A doubted value far from all others is marked at the edge: the axis is the sound values' own. */
function held(value: number, panel: Panel): number {
  const margin = (panel.axis[1] - panel.axis[0]) * 0.03;
  return Math.min(Math.max(value, panel.axis[0] + margin), panel.axis[1] - margin);
}

/** As in site.css. */
const narrow = matchMedia("(max-width: 40rem)");

/** An axis with the ticks that the server names: the same as in its own drawing. */
function named(ticks: Tick[]): Pick<uPlot.Axis, "splits" | "values"> {
  return {
    splits: () => ticks.map((tick) => tick.at),
    values: () => ticks.map((tick) => (tick.spare && narrow.matches ? "" : tick.text)),
  };
}

/** What all charts of one drawing share: it is costly to find out. */
interface Brush {
  ink: Ink;
  width: number;
}

/** The charts of the page, which know how to zoom. */
class Charts {
  private readonly shown = new Map<string, Shown>();
  private readonly whole: Chart;
  private current: Chart;

  constructor(
    private readonly place: HTMLElement,
    data: Chart,
    private readonly reset: HTMLElement | null,
  ) {
    this.whole = this.current = data;
    for (const figure of place.querySelectorAll<HTMLElement>("figure[data-quantity]")) {
      const [plot, text] = [figure.querySelector<HTMLElement>(".plot"), figure.querySelector<HTMLElement>(".readout")];
      if (plot && text)
        this.shown.set(figure.dataset["quantity"] ?? "", new Shown(plot, text, (from, to) => void this.zoom(from, to)));
    }
    reset?.addEventListener("click", () => this.draw(this.whole));
    addEventListener("resize", () => {
      const { width } = this;
      this.shown.forEach((each) => each.fit(width));
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(this.current));
    requestAnimationFrame(() => setTimeout(() => this.draw(data))); // what the server drew is seen first
  }

  /** A canvas does not wait for its font. */
  private refont(): void {
    const font = fontOf(this.place);
    if (!document.fonts.check(font))
      void document.fonts.load(font).then(() => this.shown.forEach((each) => each.redraw()));
  }

  /**
   * Those in the window first, and the others once these are on the screen. Each is marked once it is drawn, which uPlot does right after the script
   * that makes it: in the same frame in which what stood in its place goes. What the page must lay out to be told is asked for before anything changes.
   */
  private draw(data: Chart): void {
    this.current = data;
    const { width } = this;
    const wanted = data.plot.panels.flatMap((panel) => {
      const shown = this.shown.get(panel.quantity);
      return shown ? [{ panel, shown, seen: shown.seen }] : [];
    });
    const shared: Brush = { ink: inkOf(this.place), width };
    if (this.reset) this.reset.hidden = data === this.whole;
    const some = (seen: boolean, mark: string, then: () => void): void => {
      if (data !== this.current) return; // something else is drawn by now
      wanted.filter((each) => each.seen === seen).forEach(({ panel, shown }) => shown.draw(data, panel, shared));
      queueMicrotask(() => {
        performance.mark(mark);
        then();
      });
    };
    const done = (): void => {
      this.place.dataset["ready"] = "true";
      this.refont();
    };
    some(true, "charts-seen", () => setTimeout(some, 0, false, "charts-ready", done));
  }

  /** That of every chart: one tells it, so that nothing that is not seen need be laid out. */
  private get width(): number {
    return this.place.querySelector(".plot")?.clientWidth ?? 0;
  }

  /** Ask for what lies between, with all that the server has of it. */
  private async zoom(from: number, to: number): Promise<void> {
    if (to - from < 600) return;
    try {
      const answer = await fetch(`${this.place.dataset["plot"]}&from=${from}&to=${to}`, {
        headers: { accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      this.draw((await answer.json()) as Chart);
    } catch {
      for (const text of this.place.querySelectorAll(".readout")) text.textContent = this.whole.words["failed"] ?? "";
    }
  }
}

const place = document.getElementById("charts");
const data = document.getElementById("plot")?.textContent;
if (place && data) new Charts(place, JSON.parse(data) as Chart, document.getElementById("whole"));
