// Wall mode: big type, no controls, full screen, parts in turn. For a screen that nobody sits at; /floor?wall starts it.
const TURN_MS = 12_000;
const HINT_MS = 6_000;
/** Campaigns that fit on a screen in big type; more of them take turns. */
const ROWS_ON_SCREEN = 4;

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
    const count = screens().length;
    this.#slide = (this.#slide + step + count) % count;
    this.#show();
  }

  #show(): void {
    const all = screens();
    const screen = all[this.#slide % all.length];
    for (const slide of slides()) slide.classList.toggle("shown", slide === screen?.slide);
    for (const row of document.querySelectorAll(".floor-row")) row.classList.toggle("later", !screen?.rows.has(row));
  }
}

function slides(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-slide]")];
}

/** What is shown in one turn: a part of the page, and of its rows those that fit. */
function screens(): { slide: HTMLElement; rows: Set<Element> }[] {
  return slides().flatMap((slide) => {
    const rows = [...slide.querySelectorAll(".floor-row")];
    const turns = Math.max(1, Math.ceil(rows.length / ROWS_ON_SCREEN));
    return Array.from({ length: turns }, (_, turn) => ({
      slide,
      rows: new Set(rows.slice(turn * ROWS_ON_SCREEN, (turn + 1) * ROWS_ON_SCREEN)),
    }));
  });
}
