// Every page loads this: htmx for what the server renders, and the manners of the small parts.
import "htmx.org";

// a help note or a menu closes when something else is clicked, or by Escape
const OPEN = "details:is(.help, .menu)[open]";
document.addEventListener("click", (event) => {
  for (const note of document.querySelectorAll<HTMLDetailsElement>(OPEN)) {
    if (!note.contains(event.target as Node)) note.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const note of document.querySelectorAll<HTMLDetailsElement>(OPEN)) {
    note.open = false;
    note.querySelector("summary")?.focus();
  }
});

// a chosen file's name stands where our own button is
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.type !== "file") return;
  const name = input.closest(".chooser")?.querySelector<HTMLElement>(".name");
  if (!name) return;
  name.dataset["none"] ??= name.textContent ?? "";
  name.textContent = input.files?.[0]?.name ?? name.dataset["none"];
});

// buttons of a page's data-opens dialog: the question before something happens
document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-opens], [data-closes]");
  if (!button) return;
  const dialog = button.dataset["opens"]
    ? document.querySelector<HTMLDialogElement>(button.dataset["opens"])
    : button.closest("dialog");
  if (button.dataset["opens"]) dialog?.showModal();
  else dialog?.close();
});

// on a phone the bar of sections scrolls sideways: where one is has to be seen
document.querySelector("header nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
