// The listening queue by keyboard: 1, 2, 3 judge, the space bar plays and stops, N asks for another one.
import { find } from "./dom";

const PLAY = " ";
const NEXT = ["n", "N", "т", "Т"]; // the same key in the Russian layout

function press(selector: string): void {
  const button = document.querySelector<HTMLButtonElement>(selector);
  if (!button) return;
  // one key press is one judgement, however long the key is held and the page takes
  if (button.disabled) return;
  button.click();
  for (const other of document.querySelectorAll<HTMLButtonElement>(".audit button")) other.disabled = true;
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const place = event.target as Element;
  if (place.closest("input, select, textarea")) return;
  if (event.key === PLAY) {
    // on a button or the player itself the space bar means what it always does
    if (place.closest("button, audio, summary, a")) return;
    event.preventDefault();
    const sound = document.querySelector<HTMLAudioElement>(".audit audio");
    if (sound) void (sound.paused ? sound.play() : sound.pause());
  } else if (NEXT.includes(event.key)) {
    press(".audit [data-next]");
  } else if (/^[1-3]$/.test(event.key)) {
    press(`.audit [aria-keyshortcuts="${event.key}"]`);
  }
});

find<HTMLElement>(".audit").dataset["ready"] = "";
