/** Keeps a display on a wall current: `main[data-refreshes]` looks again every so many seconds while it is seen, and says so where it cannot. */
export function refreshBoard(): void {
  const main = document.querySelector<HTMLElement>("main[data-refreshes]");
  if (!main) return;
  const every = Number(main.dataset["refreshes"]) * 1000;
  let since = new Date();
  const look = async (): Promise<void> => {
    const now = document.querySelector<HTMLElement>("main[data-refreshes]");
    if (!now || document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-cache", signal: AbortSignal.timeout(30_000) });
      if (answer.status === 404) return location.reload(); // it was taken back
      if (!answer.ok) throw new TypeError(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (next) now.replaceWith(next);
      since = new Date();
    } catch {
      const notice = now.querySelector<HTMLElement>("[data-offline-notice]");
      const time = since.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      if (!notice) return;
      notice.hidden = false;
      notice.querySelector("span")!.textContent = (now.dataset["offline"] ?? "").replace("{time}", time);
    }
  };
  // Displays that were switched on together do not all ask at once.
  setTimeout(() => setInterval(() => void look(), every), Math.random() * every * 0.1);
  document.addEventListener("visibilitychange", () => void (!document.hidden && look()));
}
