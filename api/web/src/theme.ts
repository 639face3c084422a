// Runs before the first paint, so that a chosen theme does not flash. "auto" follows the system and is not stored.
const KEY = "obzvon.theme";

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden; then the system decides
  }
}

function apply(theme: string | null): void {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
  else delete root.dataset["theme"];
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

apply(stored());

document.addEventListener("DOMContentLoaded", () => {
  const button = document.querySelector<HTMLButtonElement>("#theme-toggle");
  if (!button) return;
  const describe = (): void => button.setAttribute("aria-pressed", String(isDark()));
  describe();
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    apply(theme);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // the choice then lasts for this page only
    }
    describe();
    document.dispatchEvent(new CustomEvent("obzvon:theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    describe();
    document.dispatchEvent(new CustomEvent("obzvon:theme"));
  });
});
