// The curves of a site's page: one chart for each quantity, on one time axis, in the place of what the server drew.
import uPlot from "uplot";
import type { Chart, Line, Panel } from "./plot";
import { ideal, marks, type Ink, inkOf } from "./ink";
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

  draw(data: Chart, panel: Panel, ink: Ink): void {
    this.chart?.destroy();
    this.place.replaceChildren();
    this.text.replaceChildren();
    const columns = joined(panel);
    this.chart = new uPlot(this.options(data, panel, ink), columns, this.place);
    this.place.setAttribute("role", "img");
    this.place.setAttribute("aria-label", data.labels[panel.quantity] ?? panel.quantity);
  }

  fit(): void {
    this.chart?.setSize({ width: this.place.clientWidth, height: HEIGHT });
  }

  private options(data: Chart, panel: Panel, ink: Ink): uPlot.Options {
    const number = new Intl.NumberFormat(data.language, { maximumFractionDigits: 3 });
    const zone = (at: number): Date => uPlot.tzDate(new Date(at * 1000), data.time_zone);
    return {
      width: this.place.clientWidth,
      height: HEIGHT,
      tzDate: zone,
      padding: [8, 22, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: SYNC, setSeries: false },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
      },
      scales: {
        x: { time: true, range: [data.plot.since, data.plot.until] },
        y: { range: [panel.axis[0], panel.axis[1]] },
      },
      axes: [
        {
          stroke: ink.soft,
          font: ink.font,
          grid: { stroke: ink.hair, width: 1 },
          ticks: { show: false },
          size: 26,
          space: 70,
          values: times(data),
        },
        {
          stroke: ink.soft,
          font: ink.font,
          grid: { stroke: ink.hair, width: 1 },
          ticks: { show: false },
          size: 48,
          gap: 4,
          space: 38,
          values: (_, ticks) => ticks.map((tick) => number.format(tick)),
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

function times(data: Chart): uPlot.Axis.Values {
  const span = data.plot.until - data.plot.since;
  const day = 86400;
  const form: Intl.DateTimeFormatOptions =
    span <= 2 * day
      ? { hour: "2-digit", minute: "2-digit" }
      : span <= 63 * day
        ? { day: "numeric", month: "short" }
        : span <= 800 * day
          ? { month: "short", year: "2-digit" }
          : { year: "numeric" };
  const format = new Intl.DateTimeFormat(data.language === "fr" ? "fr-FR" : "en-GB", {
    ...form,
    timeZone: data.time_zone,
  });
  let last = "";
  return (_, ticks) =>
    ticks.map((tick) => {
      const text = format.format(tick * 1000);
      const shown = text === last ? "" : text;
      last = text;
      return shown;
    });
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
    addEventListener("resize", () => this.shown.forEach((each) => each.fit()));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(this.current));
    this.draw(data);
    void document.fonts.load(inkOf(place).font).then(() => this.draw(this.current)); // a canvas does not wait for its font
    place.dataset["ready"] = "true";
    performance.mark("charts-ready");
  }

  private draw(data: Chart): void {
    this.current = data;
    const ink = inkOf(this.place);
    for (const panel of data.plot.panels) this.shown.get(panel.quantity)?.draw(data, panel, ink);
    if (this.reset) this.reset.hidden = data === this.whole;
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
