/**
 * Forms at the pool's edge, where the signal is weak: `form[data-keeps]` keeps what was typed in this browser until it has been taken, and is
 * sent without leaving the page, so that a lost connection loses nothing. The same form sent twice is kept once by the hub. What comes back is
 * shown and said to be back, with a button that discards it: nothing is sent that nobody sees.
 */
const PATIENCE_MS = 20_000;
const PREFIX = "margelle form ";
/** What was typed and left longer ago belongs to another look at the water: values change within hours, and one visit to a pool takes less than one. */
const TYPED_MS = 3600_000;
/** What was sent and did not arrive was meant to be kept: until its writer has a signal again, at the end of a round perhaps. */
const UNSENT_MS = 24 * 3600_000;

type Typed = Record<string, string>;

const isTyped = (field: Element): field is HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement =>
  (field instanceof HTMLInputElement && !["hidden", "submit", "button"].includes(field.type)) ||
  field instanceof HTMLSelectElement ||
  field instanceof HTMLTextAreaElement;

const fields = (form: HTMLFormElement) => [...form.elements].filter(isTyped);

function typed(form: HTMLFormElement): Typed {
  const found: Typed = {};
  for (const field of fields(form)) {
    if (field instanceof HTMLInputElement && field.type === "radio") {
      if (field.checked) found[field.name] = field.value;
    } else found[field.name] = field.value;
  }
  const id = form.elements.namedItem("id");
  if (id instanceof HTMLInputElement) found["id"] = id.value;
  return found;
}

function restore(form: HTMLFormElement, known: Typed): void {
  for (const field of fields(form)) {
    const value = known[field.name];
    if (value === undefined) continue;
    if (field instanceof HTMLInputElement && field.type === "radio") field.checked = field.value === value;
    else field.value = value;
  }
  const id = form.elements.namedItem("id");
  if (id instanceof HTMLInputElement && known["id"]) id.value = known["id"];
}

const key = (form: HTMLFormElement) => PREFIX + (form.dataset["keeps"] ?? "");

/** Each form as the hub first showed it, by its key: what differs was typed. */
const blanks = new Map<string, Typed>();

/** What was typed, without what only stands there; all of it where it was sent, since it then has its time and its id. */
function draft(form: HTMLFormElement): Typed {
  const now = typed(form);
  if (form.dataset["sent"]) return now;
  const blank = blanks.get(key(form)) ?? {};
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => (blank[name] ?? "") !== value));
}

function remember(form: HTMLFormElement): void {
  const found = draft(form);
  if (Object.keys(found).length === 0) {
    forget(form);
    return;
  }
  try {
    localStorage.setItem(key(form), JSON.stringify({ at: Date.now(), sent: "sent" in form.dataset, typed: found }));
  } catch {
    // a browser that keeps nothing: the form works without
  }
}

/** What was sent and may not have arrived goes on as the same form, whatever is changed in it. */
function rememberSent(form: HTMLFormElement): void {
  form.dataset["sent"] = "1";
  remember(form);
}

interface Kept {
  at: number;
  sent?: boolean;
  typed: Typed;
}

function recall(form: HTMLFormElement): Kept | null {
  try {
    const text = localStorage.getItem(key(form));
    const kept = text ? (JSON.parse(text) as Kept) : null;
    if (kept && Date.now() - kept.at < (kept.sent ? UNSENT_MS : TYPED_MS)) return kept;
  } catch {
    return null;
  }
  forget(form);
  return null;
}

function forget(form: HTMLFormElement): void {
  try {
    localStorage.removeItem(key(form));
  } catch {
    // nothing was kept
  }
}

const holds = (fold: Element) =>
  [...fold.querySelectorAll("input, textarea")].some((field) => isTyped(field) && field.value.trim() !== "");

/** What is folded away and filled in is sent too: so it is not folded away. */
function unfold(form: HTMLFormElement): void {
  for (const fold of form.querySelectorAll("details")) if (holds(fold)) fold.open = true;
}

/** Brings back what was typed and not sent, and says so, with a way to be rid of it. */
function bringBack(form: HTMLFormElement, kept: Kept): void {
  restore(form, kept.typed);
  if (kept.sent) form.dataset["sent"] = "1";
  const notice = form.querySelector<HTMLElement>("[data-again]");
  const shown = fields(form).some((field) => field.name !== "at" && field.name in kept.typed && field.value.trim());
  if (!notice || !shown) return;
  const said = notice.dataset["at" in kept.typed ? "againAt" : "again"] ?? "";
  const time = new Date(kept.at).toLocaleString(document.documentElement.lang, {
    ...(Date.now() - kept.at < 12 * 3600_000 ? {} : { weekday: "long" }),
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const text = notice.querySelector("span");
  if (text) text.textContent = said.replace("{time}", time);
  notice.hidden = false;
  notice.querySelector("button")?.addEventListener("click", () => {
    delete form.dataset["sent"];
    form.reset();
    restore(form, blanks.get(key(form)) ?? {});
    notice.hidden = true;
    for (const field of fields(form)) field.dispatchEvent(new Event("input", { bubbles: true }));
    forget(form);
  });
}

async function send(form: HTMLFormElement, by: HTMLElement | null): Promise<void> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, by)) body.append(name, String(value));
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(form.action, { method: "POST", body, signal, credentials: "same-origin" });
  const text = await answer.text(); // a connection may also be lost on the way back
  if (answer.redirected) {
    if (new URL(answer.url).pathname === "/sign-in")
      rememberSent(form); // the session has ended meanwhile
    else forget(form);
    location.assign(answer.url);
    return;
  }
  const said = new DOMParser().parseFromString(text, "text/html").querySelector("main");
  const main = document.querySelector("main");
  if (!said || !main) throw new TypeError("no page came back");
  main.replaceWith(said);
  window.scrollTo(0, 0);
  keepForms(said, true);
}

async function submit(event: SubmitEvent): Promise<void> {
  const form = event.target as HTMLFormElement;
  const notice = form.querySelector<HTMLElement>("[data-unsent]");
  event.preventDefault();
  if (form.dataset["busy"]) return;
  form.dataset["busy"] = "1";
  if (notice) notice.hidden = true;
  try {
    await send(form, event.submitter);
  } catch {
    rememberSent(form);
    if (notice) notice.hidden = false;
    notice?.scrollIntoView({ block: "nearest" });
  } finally {
    delete form.dataset["busy"];
  }
}

/** As the hub reads it (see `plain` in intake/hand.py): a comma is as good as a point, and a space may part thousands. */
const GROUPED = /(\d)[ \u00a0\u202f\u2009](?=\d{3}(?!\d))/g;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** What is to be said of what was typed: that it is no number, or beyond what is plausible. */
function complaint(form: HTMLFormElement, input: HTMLInputElement): string {
  const text = input.value.trim().replaceAll(GROUPED, "$1").replaceAll(",", ".");
  if (!text) return "";
  if (!NUMBER.test(text)) return form.dataset["bad"] ?? "";
  const { low, high } = input.dataset;
  return Number(text) >= Number(low) && Number(text) <= Number(high) ? "" : (form.dataset["odd"] ?? "");
}

/** Says at once what is wrong with a number. */
function doubt(form: HTMLFormElement): void {
  for (const input of form.querySelectorAll<HTMLInputElement>("input[data-low]")) {
    const hint = document.getElementById(input.getAttribute("aria-describedby") ?? "");
    const look = () => {
      const said = complaint(form, input);
      if (hint) hint.textContent = said || (hint.dataset["last"] ?? "");
      hint?.classList.toggle("complaint", said !== "");
      if (said) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    };
    input.addEventListener("input", look);
    if (input.value && !input.hasAttribute("aria-invalid")) look();
  }
}

/** Forgets what was typed when its writer signs out: the next one at this browser may be somebody else. */
function forgetAll(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (!new URL(form.action).pathname.endsWith("/sign-out")) return;
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX)) localStorage.removeItem(name);
  } catch {
    // nothing was kept
  }
}

/** Takes care of the forms below `root`; `answered` where the hub has just said what is wrong with one, whose fields then count. */
export function keepForms(root: ParentNode = document, answered = false): void {
  if (!answered) document.addEventListener("submit", forgetAll);
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-keeps]")) {
    if (!answered) blanks.set(key(form), typed(form));
    const kept = answered ? null : recall(form);
    if (kept) bringBack(form, kept);
    unfold(form);
    for (const fold of form.querySelectorAll("details")) fold.addEventListener("toggle", () => unfold(form));
    doubt(form);
    form.addEventListener("input", () => remember(form));
    form.addEventListener("submit", (event) => void submit(event));
  }
}
