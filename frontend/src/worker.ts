// Keeps the last known state of the water for when the hub does not answer, marked as old by the time it was made at.
export {};
declare const self: ServiceWorkerGlobalScope;

const PAGES = "margelle-pages";
const FILES = "margelle-files";
const MOST_PAGES = 40;
const MOST_FILES = 40;
/** A weak signal gets so long before what is known is shown. */
const PATIENCE_MS = 6000;

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === "POST" && changesWho(pathname)) {
    event.waitUntil(caches.delete(PAGES)); // what one person saw is not for the next
  } else if (request.method === "GET" && pathname.startsWith("/static/")) {
    event.respondWith(file(request));
  } else if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(page(event, kept(pathname)));
  }
});

/** Whether a form signs somebody in or out. */
function changesWho(pathname: string): boolean {
  return (
    ["/sign-out", "/sign-in", "/me/sign-out", "/welcome"].includes(pathname) || pathname.startsWith("/invitation/")
  );
}

/** Whether a page shows the water, and not somebody's settings. */
function kept(pathname: string): boolean {
  return pathname === "/" || /^\/sites\/[^/]+$/.test(pathname);
}

/** A file of the pages: its address changes with its content. */
async function file(request: Request): Promise<Response> {
  const cache = await caches.open(FILES);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    await trim(cache, MOST_FILES);
  }
  return answer;
}

/** A page from the hub; where it does not answer, or not in time, as it was when it last did. */
async function page(event: FetchEvent, keep: boolean): Promise<Response> {
  const fresh = fromHub(event.request, keep);
  event.waitUntil(fresh.catch(() => undefined));
  const known = await (await caches.open(PAGES)).match(event.request, { ignoreSearch: true });
  if (!known) return fresh.catch(() => unknown());
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined));
  const answer = await Promise.race([fresh.catch(() => undefined), late]);
  return answer && answer.status < 502 ? answer : old(known, isAnother(event.request.url));
}

async function fromHub(request: Request, keep: boolean): Promise<Response> {
  const answer = await fetch(request);
  if (answer.type === "opaqueredirect" || answer.redirected) {
    if (keep) await caches.delete(PAGES); // it leads to the door: the session is over
  } else if (keep && answer.ok && !new URL(request.url).search) {
    const cache = await caches.open(PAGES);
    await cache.put(request, answer.clone());
    await trim(cache, MOST_PAGES);
  }
  return answer;
}

/** Whether an address asks for another period, or a part of the list: what is kept is the page as it opens. */
function isAnother(url: string): boolean {
  const asked = new URL(url).searchParams;
  for (const name of ["said", "lang", "theme"]) asked.delete(name);
  return !["", "span=week"].includes(asked.toString());
}

/** The page with the line that says how old it is, and, where `another` one was asked for, that it is not that one. */
async function old(known: Response, another: boolean): Promise<Response> {
  let html = (await known.text()).replace('id="old" hidden', 'id="old"');
  if (another) html = html.replace('id="not-asked" hidden', 'id="not-asked"');
  return new Response(html, { status: 200, headers: known.headers });
}

/** For a page of which nothing is known here: in the browser's language, since no other is known either. */
function unknown(): Response {
  const french = navigator.language.startsWith("fr");
  const [lang, said, back] = french
    ? ["fr", "Le hub ne répond pas, et cette page n’est pas gardée ici.", "Vers les bassins"]
    : ["en", "The hub does not answer, and this page is not kept here.", "To the water"];
  const html = `<!doctype html><html lang="${lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Margelle</title><h1>Margelle</h1><p>${said}</p><p><a href="/">${back}</a></p></html>`;
  return new Response(html, { status: 503, headers: { "content-type": "text/html; charset=utf-8" } });
}

async function trim(cache: Cache, most: number): Promise<void> {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - most)).map((key) => cache.delete(key)));
}
