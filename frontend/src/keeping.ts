/**
 * Forms at the pool's edge, where the signal is weak: `form[data-keeps]` keeps what was typed in this browser until it has been taken, and is
 * sent without leaving the page, so that a lost connection loses nothing. The same form sent twice is kept once by the hub.
 */
const PATIENCE_MS = 20_000;
const PREFIX = "margelle form ";
/** What was typed longer ago belongs to another visit to the pool. */
const KEPT_MS = 24 * 3600_000;

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

function remember(form: HTMLFormElement): void {
  try {
    localStorage.setItem(key(form), JSON.stringify({ at: Date.now(), typed: typed(form) }));
  } catch {
    // a browser that keeps nothing: the form works without
  }
}

function recall(form: HTMLFormElement): Typed | null {
  try {
    const text = localStorage.getItem(key(form));
    const kept = text ? (JSON.parse(text) as { at: number; typed: Typed }) : null;
    return kept && Date.now() - kept.at < KEPT_MS ? kept.typed : null;
  } catch {
    return null;
  }
}

function forget(form: HTMLFormElement): void {
  try {
    localStorage.removeItem(key(form));
  } catch {
    // nothing was kept
  }
}

async function send(form: HTMLFormElement, by: HTMLElement | null): Promise<void> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, by)) body.append(name, String(value));
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(form.action, { method: "POST", body, signal, credentials: "same-origin" });
  const text = await answer.text(); // a connection may also be lost on the way back
  if (answer.redirected) {
    if (new URL(answer.url).pathname === "/sign-in")
      remember(form); // the session has ended meanwhile
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
    remember(form);
    if (notice) notice.hidden = false;
    notice?.scrollIntoView({ block: "nearest" });
  } finally {
    delete form.dataset["busy"];
  }
}

/** As the hub reads it (see `number_of` in intake/point.py), where a comma is as good as a point. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** What is to be said of what was typed: that it is no number, or beyond what is plausible. */
function complaint(form: HTMLFormElement, input: HTMLInputElement): string {
  const text = input.value.trim().replaceAll(",", ".");
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
    const known = answered ? null : recall(form);
    if (known) restore(form, known);
    doubt(form);
    form.addEventListener("input", () => remember(form));
    form.addEventListener("submit", (event) => void submit(event));
  }
}
