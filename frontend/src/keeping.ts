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

/** Says at once where a number is beyond what is plausible. */
function doubt(form: HTMLFormElement): void {
  for (const input of form.querySelectorAll<HTMLInputElement>("input[data-low]")) {
    const hint = document.getElementById(input.getAttribute("aria-describedby") ?? "");
    const before = hint?.textContent ?? "";
    input.addEventListener("input", () => {
      const value = Number(input.value.replace(",", "."));
      const odd =
        input.value.trim() !== "" && !(value >= Number(input.dataset["low"]) && value <= Number(input.dataset["high"]));
      if (hint) hint.textContent = odd ? (form.dataset["odd"] ?? "") : before;
      hint?.classList.toggle("complaint", odd);
    });
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
