// The page of one campaign: the server draws its frame and its words, this fills in the figures and keeps them fresh.
import type { HourChart } from "./charts";
import { cell, find, linkTo, pageData, set, showBars } from "./dom";
import { Format, fill, NO_DATA } from "./format";
import { LiveFeed } from "./live";
import type { LiveCall, PageData, Rate, Report, Snapshot } from "./model";
import htmx from "htmx.org";

const TICK_MS = 1_000;
const REPORT_INTERVAL_MS = 1_000;
/** A report that took long is asked for more seldom: who looks at it must not keep the database busy. */
const REPORT_REST = 10;

class CampaignView {
  readonly #format: Format;
  readonly #feed: LiveFeed<Snapshot>;
  /** Null until the chart library has come. */
  #hours: HourChart | null = null;
  #snapshot: Snapshot;
  #report: Report;
  #reportedCounts = "";
  #isReporting = false;
  #reportAgainAt = 0;
  #seenCalls: Set<string> | null = null;

  constructor(private readonly data: PageData) {
    this.#format = new Format(data.language, data.time_zone);
    this.#snapshot = data.snapshot;
    this.#report = data.report;
    this.#feed = new LiveFeed(data.live_url, "snapshot", (snapshot) => this.#showSnapshot(snapshot), () => this.#showConnection());
  }

  start(): void {
    this.#showSnapshot(this.data.snapshot);
    this.#showReport(this.data.report);
    this.#feed.open();
    void this.#drawHours();
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => void this.#refreshReport(), REPORT_INTERVAL_MS);
    document.addEventListener("obzvon:theme", () => this.#redraw());
    window.addEventListener("beforeprint", () => this.#redraw());
    window.addEventListener("afterprint", () => this.#redraw());
    void document.fonts.ready.then(() => this.#redraw());
    // a page that the browser puts aside must not hold a connection
    window.addEventListener("pagehide", () => this.#feed.close());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.#feed.open();
    });
    document.addEventListener("htmx:after:swap", () => this.#keepFocus());
  }

  #tick(): void {
    this.#feed.check();
    this.#showConnection();
  }

  async #drawHours(): Promise<void> {
    const { HourChart } = await import("./charts");
    this.#hours = new HourChart(find("#hour-chart"), this.#format, this.data.texts);
    this.#hours.show(this.#report.by_hour);
  }

  #redraw(): void {
    this.#hours?.redraw();
  }

  #showSnapshot(snapshot: Snapshot): void {
    const format = this.#format;
    const { leads } = snapshot;
    const done = leads.finished + leads.blocked;
    this.#snapshot = snapshot;
    set("share", format.percent(leads.total ? done / leads.total : null));
    set("done", format.integer(done));
    set("total", format.integer(leads.total));
    set("open", format.integer(snapshot.open_attempts));
    for (const state of ["finished", "dialing", "pending", "blocked"] as const) {
      set(state, format.integer(leads[state]));
      const part = document.querySelector<HTMLElement>(`.bar .${state}`);
      if (part) part.style.width = leads.total ? `${(100 * leads[state]) / leads.total}%` : "0";
    }
    const bar = find<HTMLElement>("#progress-bar");
    bar.setAttribute("aria-valuenow", String(done));
    bar.setAttribute("aria-valuemax", String(leads.total));
    this.#showCalls(snapshot.last_calls);
    const controls = find<HTMLElement>("#controls");
    if (controls.dataset["status"] !== snapshot.status && !controls.classList.contains("htmx-request")) {
      controls.dataset["status"] = snapshot.status;
      void htmx.ajax("GET", this.data.controls_url, { target: "#controls", swap: "outerHTML" });
    }
    const status = find<HTMLElement>("#status");
    const word = this.data.texts[`status.${snapshot.status}`] ?? snapshot.status;
    status.dataset["status"] = snapshot.status;
    if (status.textContent !== word) status.textContent = word;
    this.#showConnection();
  }

  #showConnection(): void {
    const live = find<HTMLElement>("#live");
    const isLive = this.#feed.isConnected;
    const first = this.#feed.heardAt === null;
    const state = isLive ? "live" : first ? "connecting" : "lost";
    const time = this.#format.time(this.#snapshot.time);
    const age = Math.max(0, Math.round((performance.now() - (this.#feed.heardAt ?? performance.now())) / 1000));
    const words = fill(this.data.texts[state] ?? "", { time, age: this.#format.integer(age) });
    if (live.textContent !== words) live.textContent = words;
    if (live.dataset["state"] === state) return;
    live.dataset["state"] = state;
    // said once per change, not every second
    find("#live-news").textContent = words;
  }

  async #refreshReport(): Promise<void> {
    const counts = JSON.stringify([this.#snapshot.attempts, this.#snapshot.outcomes, this.#snapshot.callback_requests, this.#snapshot.refusals]);
    if (this.#isReporting || counts === this.#reportedCounts || document.hidden) return;
    const begun = performance.now();
    if (begun < this.#reportAgainAt) return;
    this.#isReporting = true;
    try {
      const response = await fetch(this.data.report_url, { headers: { Accept: "application/json" } });
      if (response.ok) {
        this.#showReport((await response.json()) as Report);
        this.#reportedCounts = counts;
      }
    } catch {
      // the connection is away; the live line says so, and the next tick tries again
    } finally {
      this.#isReporting = false;
      this.#reportAgainAt = performance.now() + REPORT_REST * (performance.now() - begun);
    }
  }

  #showReport(report: Report): void {
    const format = this.#format;
    const texts = this.data.texts;
    this.#report = report;
    const rate = (name: string, value: Rate, words: string): void => {
      set(name, format.percent(value.value));
      set(`${name}.note`, fill(texts[words] ?? "", {
        share: format.percent(value.value),
        numerator: format.integer(value.numerator),
        denominator: format.integer(value.denominator),
      }));
    };
    rate("answered_by_number", report.answered_by_number, "of_numbers");
    rate("answered_by_attempt", report.answered_by_attempt, "of_attempts");
    rate("conversion", report.conversion, "of_answered");
    set("attempts", format.integer(report.attempts));
    set("distinct_numbers", format.integer(report.distinct_numbers));
    set("callback_requests", format.integer(report.callback_requests));
    set("refusals", format.integer(report.refusals));
    set("talk_sum", format.duration(report.talk_seconds.count ? report.talk_seconds.sum : null));
    set("talk_mean", format.duration(report.talk_seconds.mean));
    set("talk_median", format.duration(report.talk_seconds.median));
    set("pdd_median", format.milliseconds(report.pdd_ms.median));
    set("pdd_count", format.integer(report.pdd_ms.count));
    this.#showOutcomes();
    find<HTMLElement>("#hours-empty").hidden = report.by_hour.length > 0;
    find<HTMLElement>("#hour-chart").hidden = report.by_hour.length === 0;
    find<HTMLElement>("#hour-table").hidden = report.by_hour.length === 0;
    this.#hours?.show(report.by_hour);
    find("#hour-rows").replaceChildren(
      ...report.by_hour.map((bucket) => {
        const row = document.createElement("tr");
        row.append(
          cell(format.dayHour(bucket.start)),
          cell(format.integer(bucket.attempts), "number"),
          cell(format.integer(bucket.answered_attempts), "number"),
        );
        return row;
      }),
    );
  }

  #showOutcomes(): void {
    const total = this.#report.settled_attempts;
    const rows = Object.entries(this.#report.outcomes)
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a);
    find<HTMLElement>("#outcomes-empty").hidden = rows.length > 0;
    showBars(
      find("#outcome-rows"),
      rows.map(([result, count]) => ({
        key: result,
        label: this.#resultWord(result),
        count: this.#format.integer(count),
        share: this.#format.percent(total ? count / total : null),
        length: total ? count / total : 0,
      })),
    );
    set("settled", this.#format.integer(total));
  }

  #resultWord(result: string): string {
    return this.data.texts[`result.${result}`] ?? result;
  }

  #resultMark(result: string): HTMLElement {
    const mark = document.createElement("span");
    mark.className = "result";
    mark.dataset["result"] = result;
    mark.textContent = this.#resultWord(result);
    return mark;
  }

  #showCalls(calls: LiveCall[]): void {
    const seen = this.#seenCalls;
    find<HTMLElement>("#calls-empty").hidden = calls.length > 0;
    find<HTMLElement>("#call-table").hidden = calls.length === 0;
    find("#call-rows").replaceChildren(
      ...calls.map((call) => {
        const row = document.createElement("tr");
        if (seen && !seen.has(call.attempt_id)) row.className = "fresh";
        const outcome = document.createDocumentFragment();
        if (call.result === null) {
          const pending = document.createElement("span");
          pending.className = "result muted";
          pending.textContent = this.data.texts["under_way"] ?? "";
          outcome.append(pending);
        } else {
          outcome.append(this.#resultMark(call.result));
        }
        if (call.disposition !== null) {
          const tag = document.createElement("span");
          tag.className = "tag";
          tag.dataset["disposition"] = call.disposition;
          tag.textContent = this.data.texts[`disposition.${call.disposition}`] ?? call.disposition;
          outcome.append(tag);
        }
        row.append(
          cell(this.#format.time(call.started_time), "mono muted"),
          cell(linkTo(`/calls/${call.attempt_id}`, call.number), "mono"),
          cell(outcome),
          cell(call.talk_ms === null ? NO_DATA : this.#format.duration(call.talk_ms / 1000), "number"),
        );
        return row;
      }),
    );
    this.#seenCalls = new Set(calls.map((call) => call.attempt_id));
  }

  /** A pressed button is replaced by its successor: the keyboard stays where it was. */
  #keepFocus(): void {
    const controls = document.querySelector<HTMLElement>("#controls[data-answers]");
    if (!controls || document.activeElement !== document.body) return;
    delete controls.dataset["answers"];
    controls.querySelector<HTMLElement>("button")?.focus({ preventScroll: true });
  }
}

new CampaignView(pageData<PageData>("#campaign-data")).start();
