// A live stream, with what EventSource leaves out: noticing silence, and coming back after an error.
/** Two heartbeats and a little; the server of a campaign sends one every five seconds. */
const SILENCE_MS = 12_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000];

export class LiveFeed<T> {
  /** When the last event came, by `performance.now()`; null before the first. */
  heardAt: number | null = null;
  isConnected = false;
  #source: EventSource | null = null;
  #failures = 0;
  #retry: number | undefined;

  constructor(
    private readonly url: string,
    private readonly eventName: string,
    private readonly onEvent: (data: T) => void,
    private readonly onChange: () => void,
    private readonly silenceMs = SILENCE_MS,
  ) {}

  open(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    const source = new EventSource(this.url);
    this.#source = source;
    source.addEventListener(this.eventName, (event: MessageEvent<string>) => {
      this.#heard();
      this.onEvent(JSON.parse(event.data) as T);
    });
    source.addEventListener("heartbeat", () => this.#heard());
    source.addEventListener("error", () => this.#failed());
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
    this.isConnected = false;
  }

  /** Call every second: a connection that died without a word is noticed here. */
  check(): void {
    if (this.isConnected && this.heardAt !== null && performance.now() - this.heardAt > this.silenceMs) this.#failed();
  }

  #heard(): void {
    this.heardAt = performance.now();
    this.#failures = 0;
    if (!this.isConnected) {
      this.isConnected = true;
      this.onChange();
    }
  }

  #failed(): void {
    // EventSource gives up for good after an answer that is no stream, so the retries are ours
    this.#source?.close();
    this.#source = null;
    this.isConnected = false;
    const delay = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 5_000;
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = window.setTimeout(() => this.open(), delay);
    this.onChange();
  }
}
