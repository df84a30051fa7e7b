// The curves of a site's page are drawn by the hub. Here they answer: what was measured at an instant is read, and another part is asked for.
import { Cursor, reachable } from "./cursor";
import { refine } from "./fine";
import { read, type Chart } from "./plot";
import { hear, plotOf, type Wanted } from "./pointer";

/** What is another one with another period: the page's main part, and the menu's links to this page. */
const PARTS = ["#period", ".masthead .menu > div"];

/** From when to when, in seconds since 1970. */
type Stretch = [since: number, until: number];

class Charts implements Wanted {
  private known: Chart | undefined;
  private cursors = new Map<HTMLElement, Cursor>();
  private at: number | undefined;
  /** What is asked for, until it is shown. */
  private wanted: Stretch | undefined;
  private address = here();
  /** Those that still have to follow the one that is asked. */
  private others: HTMLElement[] | undefined;
  private turn = 0;
  private coarse: HTMLElement[] = [];

  constructor(private readonly place: HTMLElement) {
    hear(place, this);
    place.addEventListener("focusin", ({ target }) => this.focused(plotOf(target)));
    place.addEventListener("focusout", ({ relatedTarget }) => plotOf(relatedTarget) ?? this.leave());
    place.addEventListener("keydown", (event) => this.steer(event));
    addEventListener("popstate", () => {
      if (here() !== this.address) void this.load(here());
    });
    this.begin();
  }

  /** What the page shows: read when it is first needed, so that nothing waits for it. */
  private get data(): Chart {
    this.known ??= read(this.place.querySelector("#plot")?.textContent ?? "");
    return this.known;
  }

  private get charts(): HTMLElement | null {
    return this.place.querySelector("#charts");
  }

  private get plots(): HTMLElement[] {
    return [...this.place.querySelectorAll<HTMLElement>(".plot")];
  }

  look(plot: HTMLElement, share: number): void {
    this.show(plot, this.instant(share));
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

  /** The lines go with the fingers; all else waits for the hub. */
  pinch(from: number, to: number): void {
    const { since, until } = this.data.plot;
    const [first, last] = this.within([this.instant(from), this.instant(to)]);
    const [left, width] = [first - since, last - first].map((each) => (100 * each) / (until - since));
    this.stretch(`${left} 0 ${width} 100`);
  }

  unpinch(): void {
    this.stretch("0 0 100 100");
  }

  zoom(plot: HTMLElement, from: number, to: number): void {
    this.leave();
    void this.ask([this.instant(from), this.instant(to)], plot);
  }

  private stretch(box: string): void {
    this.charts?.classList.toggle("pinched", box !== "0 0 100 100");
    for (const each of this.place.querySelectorAll(".curve svg svg")) each.setAttribute("viewBox", box);
  }

  private instant(share: number): number {
    const { since, until } = this.data.plot;
    return since + share * (until - since);
  }

  /** The whole in which parts are seen. */
  private get whole(): Stretch {
    const { since, until } = this.charts?.dataset ?? {};
    return [Number(since), Number(until)];
  }

  /** So much of a stretch as can be seen: not less than the least, nor beyond the whole. */
  private within([from, to]: Stretch): Stretch {
    const [since, until] = this.whole;
    const size = Math.min(Math.max(to - from, Number(this.charts?.dataset["least"])), until - since);
    const begin = Math.min(Math.max((from + to - size) / 2, since), until - size);
    return [begin, begin + size];
  }

  /** Show a part, with all that the hub has of it, or the whole. */
  private async ask(stretch: Stretch, plot: HTMLElement): Promise<void> {
    const { shown, whole, fixed } = this.charts?.dataset ?? {};
    const [[since, until], [first, last]] = [this.within(stretch), this.whole];
    const from = Math.max(60 * Math.floor(since / 60), first); // the whole's ends may be between two minutes
    const to = Math.min(60 * Math.ceil(until / 60), last);
    const query = from > first || to < last ? `${fixed}&from=${written(from)}&to=${written(to)}` : whole;
    const wanted: Stretch = [since, until];
    this.wanted = wanted;
    if (query === shown) this.turn++;
    else await this.load(`?${query}`, plot);
    if (this.wanted !== wanted) return; // something else is asked for by now
    this.unchoose(plot);
    this.unpinch();
    this.wanted = undefined;
  }

  /** Have what the hub shows at another address of this page; where a `plot` has asked for it, as one more step to go back from. */
  private async load(address: string, plot?: HTMLElement): Promise<void> {
    const turn = ++this.turn;
    try {
      const answer = await fetch(address, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== this.turn) return; // something else is asked for by now
      if (plot) history.pushState(null, "", address);
      this.replace(page, plot);
    } catch {
      if (turn !== this.turn) return;
      if (!plot) return location.reload(); // the browser knows what to say
      for (const text of this.place.querySelectorAll(".readout")) text.textContent = this.data.words["failed"] ?? "";
    }
  }

  /** The plot that has asked stays where it is, with the focus and the instant that it had. */
  private replace(page: Document, plot?: HTMLElement): void {
    const [quantity, top, at] = [quantityOf(plot), plot?.getBoundingClientRect().top ?? 0, this.at];
    const [focused, visibly] = [plot === document.activeElement, plot?.matches(":focus-visible")];
    for (const part of PARTS)
      document.querySelector(part)?.replaceChildren(...(page.querySelector(part)?.childNodes ?? []));
    this.address = here();
    this.known = undefined;
    this.cursors.clear();
    this.begin();
    const again = plot && this.plots.find((each) => quantityOf(each) === quantity);
    if (again) scrollBy({ top: again.getBoundingClientRect().top - top, behavior: "instant" });
    if (again && focused) again.focus({ preventScroll: true });
    if (again && at) this.show(again, at);
    const told = document.getElementById("told");
    if (told && !visibly) told.textContent = this.place.querySelector("summary > span")?.textContent ?? "";
  }

  /** From now on everything answers; then each line gets all its points, a panel at a time, once the page has come to rest. */
  private begin(): void {
    const plots = this.plots;
    plots.forEach(reachable);
    if (this.charts) this.charts.dataset["ready"] = "true";
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
    this.others = this.plots.filter((each) => each !== asked);
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
    return this.data.plot.panels.find((each) => each.quantity === quantityOf(plot));
  }

  /** Who comes by keyboard reads what is newest first. */
  private focused(plot: HTMLElement | null): void {
    const last = plot?.matches(":focus-visible") && this.cursor(plot)?.instants.at(-1);
    if (plot && last) this.show(plot, this.at ?? last);
  }

  /** Arrows go from one measured instant to the next, and pages over a tenth of them; plus and minus zoom about the one that is read. */
  private steer(event: KeyboardEvent): void {
    const plot = plotOf(event.target);
    const instants = (plot && this.cursor(plot)?.instants) ?? [];
    if (!plot || !instants.length || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") return this.leave();
    const zooms: Record<string, number> = { "+": 0.5, "=": 0.5, "-": 2, "0": 1e6 };
    const zoom = zooms[event.key];
    if (zoom) return void this.ask(this.about(zoom), plot);
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

  /** What is seen, or asked for already, so many times as long: what is read stays where it is, else the middle. */
  private about(times: number): Stretch {
    const { since, until } = this.data.plot;
    const [first, last] = this.wanted ?? [since, until];
    const at = this.at ?? (first + last) / 2;
    return [at + (first - at) * times, at + (last - at) * times];
  }
}

function here(): string {
  return location.pathname + location.search;
}

function quantityOf(plot: HTMLElement | undefined): string | undefined {
  return plot?.parentElement?.dataset["quantity"];
}

/** As the hub writes it in an address: to the minute, or to the second where it is not on one. */
function written(at: number): string {
  return new Date(at * 1000).toISOString().replace(/(:00)?\.000Z$/, "Z");
}

const place = document.getElementById("period");
if (place) new Charts(place);
