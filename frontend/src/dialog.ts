/** Opens the dialog that `data-opens` names, in front of the page; `data-closes` closes the one it stands in. */
export function openDialogs(): void {
  document.addEventListener("click", (event) => {
    const clicked = event.target as Element;
    const opener = clicked.closest<HTMLElement>("[data-opens]");
    const dialog = opener && document.getElementById(opener.dataset["opens"] ?? "");
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      dialog.showModal();
    }
    if (clicked.closest("[data-closes]")) {
      event.preventDefault();
      clicked.closest("dialog")?.close();
    }
  });
}
