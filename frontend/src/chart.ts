// The curves of a site's page are drawn by the hub. Here they answer: what was measured at an instant is read, and a part is zoomed into.
import { Cursor, reachable } from "./cursor";
import { refine } from "./fine";
import type { Chart } from "./plot";
import { hear, plotOf, type Wanted } from "./pointer";

/** Less cannot be zoomed into. */
const LEAST_S = 600;

class Charts implements Wanted {
  private known: Chart | undefined;
  private cursors = new Map<HTMLElement, Cursor>();
  private whole: ChildNode[] = [];
  private at: number | undefined;
  /** Those that still have to follow the one that is asked. */
  private others: HTMLElement[] | undefined;
  private turn = 0;
  private coarse: HTMLElement[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly reset: HTMLElement | null,
  ) {
    hear(place, this);
    place.addEventListener("focusin", ({ target }) => this.focused(plotOf(target)));
    place.addEventListener("focusout", ({ relatedTarget }) => plotOf(relatedTarget) ?? this.leave());
    place.addEventListener("keydown", (event) => this.steer(event));
    reset?.addEventListener("click", () => this.replace(this.whole));
    this.begin();
  }

  /** What the page shows: read when it is first needed, so that nothing waits for it. */
  private get data(): Chart {
    this.known ??= JSON.parse(this.place.querySelector("#plot")?.textContent ?? "") as Chart;
    return this.known;
  }

  look(plot: HTMLElement, share: number): void {
    const { since, until } = this.data.plot;
    this.show(plot, since + share * (until - since));
  }

  leave(): void {
    this.at = undefined;
    this.cursors.forEach((each) => each.hide());
  }

  choose(plot: HTMLElement, from: number, to: number): void {
    this.cursor(plot)?.choose(from, to);
  }

  unchoose(plot: HTMLElement): void {
    this.cursors.get(plot)?.unchoose();
  }

  /** Ask for what lies between, with all that the hub has of it. */
  async zoom(plot: HTMLElement, from: number, to: number): Promise<void> {
    const { since, until } = this.data.plot;
    const [first, last] = [from, to].map((share) => since + share * (until - since)) as [number, number];
    const turn = ++this.turn;
    try {
      if (last - first < LEAST_S) return;
      const address = `${this.place.dataset["plot"]}&from=${Math.floor(first)}&to=${Math.ceil(last)}`;
      const answer = await fetch(address, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const drawn = document.createRange().createContextualFragment(await answer.text());
      if (turn !== this.turn) return; // something else is shown by now
      if (!this.whole.length) this.whole = [...this.place.childNodes];
      this.replace([...drawn.childNodes]);
    } catch {
      if (turn !== this.turn) return;
      for (const text of this.place.querySelectorAll(".readout")) text.textContent = this.data.words["failed"] ?? "";
    } finally {
      this.unchoose(plot);
    }
  }

  private replace(drawn: ChildNode[]): void {
    this.turn++;
    this.leave();
    this.cursors.clear();
    this.place.querySelectorAll(".over").forEach((each) => each.remove());
    this.place.replaceChildren(...drawn);
    this.known = undefined;
    if (this.reset) this.reset.hidden = drawn === this.whole;
    this.begin();
  }

  /** From now on everything answers; then each line gets all its points, a panel at a time, once the page has come to rest. */
  private begin(): void {
    const plots = [...this.place.querySelectorAll<HTMLElement>(".plot")];
    plots.forEach(reachable);
    this.place.dataset["ready"] = "true";
    performance.mark("charts-answer");
    this.coarse = plots;
    const next = (): void => {
      if (this.coarse !== plots) return; // something else is shown by now
      const plot = plots.shift();
      if (!plot) return void performance.mark("charts-fine");
      const panel = this.panel(plot);
      if (panel) refine(this.data, panel, plot);
      setTimeout(next);
    };
    if (document.readyState === "complete") setTimeout(next);
    else addEventListener("load", () => setTimeout(next), { once: true });
  }

  /** First in the plot that is asked, so that it answers at once; in the others after that has been painted. */
  private show(asked: HTMLElement, at: number): void {
    const waits = this.others;
    this.at = at;
    this.cursor(asked)?.show(at);
    this.others = [...this.place.querySelectorAll<HTMLElement>(".plot")].filter((each) => each !== asked);
    if (!waits) requestAnimationFrame(() => setTimeout(() => this.follow()));
  }

  private follow(): void {
    const { at, others } = this;
    this.others = undefined;
    if (at !== undefined) others?.forEach((plot) => this.cursor(plot)?.show(at));
  }

  private cursor(plot: HTMLElement): Cursor | undefined {
    const [known, panel] = [this.cursors.get(plot), this.panel(plot)];
    const text = plot.parentElement?.querySelector<HTMLElement>(".readout");
    if (known || !panel || !text) return known;
    const made = new Cursor(this.data, panel, plot, text);
    this.cursors.set(plot, made);
    return made;
  }

  private panel(plot: HTMLElement): Chart["plot"]["panels"][number] | undefined {
    const quantity = plot.parentElement?.dataset["quantity"];
    return this.data.plot.panels.find((each) => each.quantity === quantity);
  }

  /** Who comes by keyboard reads what is newest first. */
  private focused(plot: HTMLElement | null): void {
    const last = plot?.matches(":focus-visible") && this.cursor(plot)?.instants.at(-1);
    if (plot && last) this.show(plot, this.at ?? last);
  }

  /** Arrows go from one measured instant to the next, and pages over a tenth of them. */
  private steer(event: KeyboardEvent): void {
    const plot = plotOf(event.target);
    const instants = (plot && this.cursor(plot)?.instants) ?? [];
    if (!plot || !instants.length || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") return this.leave();
    const [end, page] = [instants.length - 1, Math.ceil(instants.length / 10)];
    const at = this.at ?? Infinity;
    const [before, after] = [instants.findLastIndex((each) => each < at), instants.findIndex((each) => each > at)];
    const [back, on] = [Math.max(before, 0), after < 0 ? end : after];
    const steps: Record<string, number> = { ArrowLeft: back, ArrowRight: on, ArrowDown: back, ArrowUp: on };
    const jumps: Record<string, number> = { PageDown: back - page, PageUp: on + page, Home: 0, End: end };
    const next = steps[event.key] ?? jumps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.show(plot, instants[Math.min(Math.max(next, 0), end)] ?? at);
  }
}

const place = document.getElementById("charts");
if (place) new Charts(place, document.getElementById("whole"));
