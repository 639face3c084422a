// Wall mode: big type, no controls, full screen, parts in turn. For a screen that nobody sits at; /floor?wall starts it.
const TURN_MS = 12_000;
const HINT_MS = 6_000;

export class Wall {
  #slide = 0;
  #turns: number | undefined;
  #isHeld = false;

  /** `say` announces that the rotation was held or goes on. */
  constructor(private readonly say: (isHeld: boolean) => void) {
    document.addEventListener("keydown", (event) => {
      if (!this.isOn) return;
      if (event.key === "Escape") this.leave();
      if (event.key === " ") {
        event.preventDefault();
        this.#isHeld = !this.#isHeld;
        this.say(this.#isHeld);
      }
      if (event.key === "ArrowRight") this.#turn(1);
      if (event.key === "ArrowLeft") this.#turn(-1);
    });
    document.addEventListener("fullscreenchange", () => {
      if (this.isOn && document.fullscreenElement === null) this.leave();
    });
    if (new URLSearchParams(location.search).has("wall")) this.enter();
  }

  get isOn(): boolean {
    return "wall" in document.documentElement.dataset;
  }

  enter(): void {
    document.documentElement.dataset["wall"] = "";
    const hint = document.querySelector<HTMLElement>("#wall-hint");
    if (hint) {
      hint.hidden = false;
      setTimeout(() => (hint.hidden = true), HINT_MS);
    }
    this.#show();
    this.#turns = window.setInterval(() => this.#isHeld || this.#turn(1), TURN_MS);
    // both are refused without a click or where the browser does not know them; the page is as big all the same
    void document.documentElement.requestFullscreen?.().catch(() => undefined);
    void navigator.wakeLock?.request("screen").catch(() => undefined);
  }

  leave(): void {
    delete document.documentElement.dataset["wall"];
    clearInterval(this.#turns);
    for (const slide of slides()) slide.classList.remove("shown");
    if (document.fullscreenElement) void document.exitFullscreen();
  }

  #turn(step: number): void {
    const count = slides().length;
    this.#slide = (this.#slide + step + count) % count;
    this.#show();
  }

  #show(): void {
    slides().forEach((slide, index) => slide.classList.toggle("shown", index === this.#slide));
  }
}

function slides(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-slide]")];
}
