// What the server sends: see `Chart` in serve/pages/chart.py and `Plot` in serve/plot.py.

export interface Band {
  low: number | null;
  high: number | null;
}

export interface Doubted {
  at: number[];
  value: number[];
  kind: string[];
  reason: string[];
}

export interface Line {
  probe: string;
  at: number[];
  value: (number | null)[];
  low: (number | null)[] | null;
  high: (number | null)[] | null;
  doubtful: number[] | null;
  doubted: Doubted | null;
}

export interface Panel {
  quantity: string;
  unit: string;
  symbol: string;
  decimals: number | null;
  on_off: boolean;
  axis: [number, number];
  ideal: Band | null;
  tolerable: Band | null;
  lines: Line[];
}

export interface Plot {
  since: number;
  until: number;
  step_s: number;
  panels: Panel[];
  marks: { at: number }[];
  holes: { since: number; until: number; state: string; probe: string; quantity: string }[];
}

/** What a value of something that is on or off is called. */
export interface Tick {
  at: number;
  text: string;
}

export interface Chart {
  plot: Plot;
  language: string;
  time_zone: string;
  labels: Record<string, string>;
  places: Record<string, string>;
  marks: string[];
  holes: string[];
  words: Record<string, string>;
  values: Record<string, Tick[]>;
}

/** What stands in the page, where each instant of a line is told by the seconds since the one before. */
export function read(text: string): Chart {
  const chart = JSON.parse(text) as Chart;
  for (const line of chart.plot.panels.flatMap((panel) => panel.lines)) {
    let at = 0;
    line.at = line.at.map((since) => (at += since));
  }
  return chart;
}
