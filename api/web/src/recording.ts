// The players of a call's recordings: the waveform of both sides, a click or a key goes to its place, the sound itself is the
// browser's own player. Nothing is fetched of the sound before somebody plays it: listening is written down.
import { find } from "./dom";

const WIDTH = 800;
const LANE = 60;
const STEP_S = 5;
const LEAP_S = 30;
const SVG = "http://www.w3.org/2000/svg";

interface Waveform {
  duration_ms: number;
  callee: number[];
  us: number[];
  gaps: { start_ms: number; duration_ms: number; reason: string }[];
}

class Player {
  readonly #sound: HTMLAudioElement;
  readonly #waveform: HTMLElement;
  readonly #seconds: number;

  constructor(private readonly card: HTMLElement) {
    this.#sound = find("audio", card);
    this.#waveform = find(".waveform", card);
    this.#seconds = Number(card.dataset["durationMs"]) / 1000;
  }

  start(): void {
    for (const event of ["timeupdate", "seeking", "seeked", "ended", "loadedmetadata"]) {
      this.#sound.addEventListener(event, () => this.#showPosition());
    }
    this.#sound.addEventListener("play", () => this.#follow());
    this.#waveform.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#waveform.setPointerCapture(event.pointerId);
      this.#goToPointer(event);
    });
    this.#waveform.addEventListener("pointermove", (event) => {
      if (this.#waveform.hasPointerCapture(event.pointerId)) this.#goToPointer(event);
    });
    this.#waveform.addEventListener("keydown", (event) => this.#press(event));
    this.#showPosition();
    void this.#draw();
  }

  /** While it plays the line moves with each frame; `timeupdate` comes only four times a second. */
  #follow(): void {
    this.#showPosition();
    if (!this.#sound.paused && !this.#sound.ended) requestAnimationFrame(() => this.#follow());
  }

  #go(second: number): void {
    this.#sound.currentTime = Math.min(Math.max(second, 0), this.#seconds);
    this.#showPosition();
  }

  #goToPointer(event: PointerEvent): void {
    const box = this.#waveform.getBoundingClientRect();
    this.#go(((event.clientX - box.left) / box.width) * this.#seconds);
  }

  #press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const now = this.#sound.currentTime;
    const places: Record<string, number> = {
      ArrowLeft: now - STEP_S, ArrowDown: now - STEP_S, ArrowRight: now + STEP_S, ArrowUp: now + STEP_S,
      PageDown: now - LEAP_S, PageUp: now + LEAP_S, Home: 0, End: this.#seconds,
    };
    const place = places[event.key];
    if (place !== undefined) this.#go(place);
    else if (event.key === " " || event.key === "Enter") void (this.#sound.paused ? this.#sound.play() : this.#sound.pause());
    else return;
    event.preventDefault();
  }

  #showPosition(): void {
    const now = this.#sound.currentTime;
    const x = this.#seconds ? (now / this.#seconds) * WIDTH : 0;
    find(".played", this.#waveform).setAttribute("width", x.toFixed(1));
    const head = find(".head", this.#waveform);
    head.setAttribute("x1", x.toFixed(1));
    head.setAttribute("x2", x.toFixed(1));
    this.#waveform.setAttribute("aria-valuenow", String(Math.round(now)));
    this.#waveform.setAttribute("aria-valuetext", `${clock(now)} / ${clock(this.#seconds)}`);
  }

  async #draw(): Promise<void> {
    try {
      const answer = await fetch(`${this.card.dataset["waveform"]}?points=${WIDTH / 2}`, {
        headers: { Accept: "application/json", "Accept-Language": document.documentElement.lang },
      });
      if (!answer.ok) {
        const problem = (await answer.json()) as { title?: string; detail?: string };
        this.#complain(`${problem.title ?? answer.status}. ${problem.detail ?? ""}`);
        return;
      }
      const waveform = (await answer.json()) as Waveform;
      find("path.callee", this.#waveform).setAttribute("d", outline(waveform.callee, LANE / 2));
      find("path.us", this.#waveform).setAttribute("d", outline(waveform.us, LANE + LANE / 2));
      find(".gaps", this.#waveform).replaceChildren(...waveform.gaps.map((gap) => hole(gap, waveform.duration_ms)));
      this.card.dataset["ready"] = "";
    } catch (error) {
      this.#complain(String(error));
    }
  }

  #complain(words: string): void {
    const place = find<HTMLElement>(".problem", this.card);
    place.textContent = words;
    place.hidden = false;
  }
}

/** A closed outline around the lane's middle; the root lets quiet speech be seen. */
function outline(peaks: number[], middle: number): string {
  const step = WIDTH / Math.max(1, peaks.length);
  const heights = peaks.map((peak) => Math.sqrt(peak / 255) * (LANE / 2 - 2));
  const upper = heights.map((height, index) => `${(index * step).toFixed(1)} ${(middle - height).toFixed(1)}`);
  const lower = heights.map((height, index) => `${(index * step).toFixed(1)} ${(middle + height).toFixed(1)}`).reverse();
  return peaks.length ? `M${[...upper, ...lower].join("L")}Z` : "";
}

function hole(gap: Waveform["gaps"][number], duration_ms: number): SVGRectElement {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("x", String((gap.start_ms / duration_ms) * WIDTH));
  rect.setAttribute("width", String(Math.max(1, (gap.duration_ms / duration_ms) * WIDTH)));
  rect.setAttribute("height", String(2 * LANE));
  return rect;
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

for (const card of document.querySelectorAll<HTMLElement>(".recording[data-waveform]")) new Player(card).start();
