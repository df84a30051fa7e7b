const EVERY_MS = 60_000;

/** Asks the hub once a minute whether anything was measured since the page was made (`#newer[data-asks]`), until it says so in a line. */
export function askForNewer(): void {
  const place = document.querySelector<HTMLElement>("#newer[data-asks]");
  const address = place?.dataset["asks"];
  if (!place || !address) return;
  const look = async (): Promise<void> => {
    if (document.hidden) return;
    const answer = await fetch(address, { headers: { accept: "text/html" } }).catch(() => undefined);
    if (answer?.status !== 200 || answer.redirected) return; // nothing is newer, the hub is away, or the session is over
    clearInterval(timer);
    place.outerHTML = await answer.text();
  };
  const timer = setInterval(() => void look(), EVERY_MS);
}
