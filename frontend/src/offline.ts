/** Has the browser keep the last known state of the water, where it can (over TLS, or on this machine) and somebody is signed in. */
export function keepLastState(): void {
  if ("serviceWorker" in navigator && document.getElementById("old")) {
    navigator.serviceWorker.register("/worker.js").catch(() => undefined); // the pages do without
  }
}
