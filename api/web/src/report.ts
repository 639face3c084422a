// A report: every panel asks its query of the API and shows the answer as a chart with its table below. Each figure leads to
// the calls behind it.
import { find, make, pageData, set, showBars, type Share } from "./dom";
import { Format, fill, NO_DATA } from "./format";
import { NARROW, showHeatMap } from "./heat_map";
import type { Figure, Panel, QueryAnswer, ReportData, Row } from "./report_model";
import { scaleOf } from "./scale";
import { SeriesChart } from "./series_chart";
import { callsAddress, queryOf, Words } from "./report_words";
import { save } from "./save_report";

const MAX_BARS = 12;
/** Their names are short, and stand in one line. */
const MOMENTS = ["hour", "day", "week", "month"];

class PanelView {
  readonly #element: HTMLElement;
  readonly #chart: SeriesChart | null;
  #rows: Row[] = [];
  /** The day that is not over yet. */
  #today = "";

  constructor(
    private readonly panel: Panel,
    private readonly data: ReportData,
    private readonly words: Words,
  ) {
    this.#element = find(`[data-panel="${panel.name}"]`);
    const canvas = this.#element.querySelector<HTMLElement>(".series");
    this.#chart = canvas ? new SeriesChart(canvas, words) : null;
    for (const button of this.#element.querySelectorAll<HTMLButtonElement>("[data-export]")) {
      button.addEventListener("click", () => void this.#download(button.dataset["export"] ?? "csv"));
    }
    for (const button of this.#drawButtons) button.addEventListener("click", () => this.#draw(button.dataset["draw"] ?? ""));
    this.#element.querySelector("[data-save]")?.addEventListener("click", () => void save(panel, data));
  }

  async load(): Promise<void> {
    const response = await fetch("/v1/query", this.#request("application/json"));
    if (!response.ok) {
      this.#say(fill(this.words.text("failed"), { detail: await detailOf(response) }));
      return;
    }
    const answer = (await response.json()) as QueryAnswer;
    this.#show(answer);
    set("counted", fill(this.words.text("fresh"), { time: this.words.format.time(answer.generated_time) }));
  }

  redraw(): void {
    this.#chart?.redraw();
    if (this.panel.chart === "heat" && this.#rows.length) this.#showHeat();
  }

  #request(accept: string): RequestInit {
    return {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: accept, "Accept-Language": this.data.language },
      body: JSON.stringify(queryOf(this.panel, this.data)),
    };
  }

  async #download(format: string): Promise<void> {
    for (const menu of this.#element.querySelectorAll<HTMLDetailsElement>(".menu[open]")) menu.open = false;
    const response = await fetch(`/v1/query/export?format=${format}`, this.#request("*/*"));
    if (!response.ok) {
      this.#say(fill(this.words.text("failed"), { detail: await detailOf(response) }));
      return;
    }
    const link = make("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = `${this.data.report}-${this.panel.name}.${format}`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  #say(words: string): void {
    const note = find<HTMLElement>(".note-line", this.#element);
    note.textContent = words;
    note.hidden = words === "";
    this.#element.setAttribute("aria-busy", "false");
  }

  #show(answer: QueryAnswer): void {
    const isEmpty = answer.rows.length === 0 || this.panel.metrics.every((name) => !answer.totals[name]?.value);
    for (const part of this.#element.querySelectorAll<HTMLElement>(".has-rows")) part.hidden = isEmpty;
    const isCut = answer.row_count > answer.rows.length;
    const note = isEmpty ? this.words.text("empty") : isCut ? this.words.text("truncated") : "";
    this.#say(fill(note, { count: this.words.format.integer(answer.rows.length) }));
    if (isEmpty) return;
    this.#rows = answer.rows;
    this.#today = this.words.format.day(answer.generated_time);
    switch (this.panel.chart) {
      case "figures":
        this.#showFigures(answer.totals);
        break;
      case "funnel":
        this.#showFunnel(answer.totals);
        break;
      case "bars":
        this.#showBars(answer.rows);
        break;
      case "periods":
        this.#showPeriods(answer.totals);
        return;
      case "heat":
        this.#showHeat();
        break;
      default:
        this.#chart?.show(this.panel, answer.rows, this.#today);
    }
    this.#showTable(answer);
  }

  get #drawButtons(): NodeListOf<HTMLButtonElement> {
    return this.#element.querySelectorAll<HTMLButtonElement>("[data-draw]");
  }

  /** Show another column of the table as the chart. */
  #draw(name: string): void {
    for (const button of this.#drawButtons) button.setAttribute("aria-pressed", String(button.dataset["draw"] === name));
    this.#chart?.show({ ...this.panel, drawn: [name] }, this.#rows, this.#today);
  }

  #showHeat(): void {
    const scale = find<HTMLElement>(".heat-scale", this.#element);
    showHeatMap(find(".heat", this.#element), scale, this.panel, this.#rows, this.words, (name, figure, row) => this.#link(name, figure, row));
  }

  #showFigures(totals: Record<string, Figure>): void {
    for (const name of this.panel.metrics) {
      const figure = totals[name];
      const place = find(`[data-metric="${name}"]`, this.#element);
      if (!figure) continue;
      place.replaceChildren(this.#link(name, figure, null), ...this.#notes(name, figure));
    }
  }

  #notes(name: string, figure: Figure): HTMLElement[] {
    const notes: HTMLElement[] = [];
    const share = this.words.share(name, figure);
    if (share) notes.push(make("div", "note", share));
    if (figure.value === null && this.words.metric(name).unit === "money") notes.push(make("div", "note", this.words.text("no_price")));
    const change = this.words.change(name, figure);
    if (change) notes.push(make("div", "note", change, make("span", "muted", change.title)));
    return notes;
  }

  #showFunnel(totals: Record<string, Figure>): void {
    const counts = this.panel.metrics.map((name) => totals[name]?.value ?? 0);
    const whole = counts[0] ?? 0;
    showBars(
      find(".bars", this.#element),
      this.panel.metrics.map((name, index): Share => {
        const before = index === 0 ? null : (counts[index - 1] ?? 0);
        const count = counts[index] ?? 0;
        return {
          key: name,
          label: this.words.metric(name).title,
          count: this.words.format.integer(count),
          share: before === null ? "" : this.words.format.percent(before ? count / before : null),
          length: whole ? count / whole : 0,
          before: before === null || !whole ? null : before / whole,
        };
      }),
    );
    find(".scale", this.#element).textContent = this.words.text("scale_funnel");
  }

  #showBars(rows: Row[]): void {
    const drawn = this.panel.drawn[0] ?? this.panel.metrics[0] ?? "";
    const unit = this.words.metric(drawn).unit;
    const values = rows.map((row) => row.metrics[drawn]?.value ?? 0);
    const before = rows.map((row) => row.metrics[drawn]?.previous ?? null);
    // one scale for both periods, so that a bar and the line of the other period can be held against each other
    const { end } = scaleOf([...values, ...before.map((value) => value ?? 0)].filter((_, index) => index % rows.length < MAX_BARS), unit === "share");
    const whole = values.reduce((sum, value) => sum + value, 0);
    // a number may stand in several rows, and scores are means: those are no parts of a whole; nor is there a whole where a part is unknown
    const areParts = !["share", "numbers", "score"].includes(unit) && rows.every((row) => row.metrics[drawn]?.value != null);
    showBars(
      find(".bars", this.#element),
      rows.slice(0, MAX_BARS).map((row, index): Share => {
        const value = values[index] ?? 0;
        return {
          key: this.words.key(row),
          label: this.words.row(row),
          count: this.words.figure(drawn, row.metrics[drawn]),
          share: areParts ? this.words.format.percent(whole ? value / whole : null) : "",
          length: value / end,
          before: before[index] == null ? null : before[index] / end,
        };
      }),
    );
    const isCompared = before.some((value) => value !== null);
    const scale = fill(this.words.text(isCompared ? "scale_compared" : "scale"), { end: this.words.value(drawn, end) });
    find(".scale", this.#element).textContent = areParts ? `${scale} ${this.words.text("scale_share")}` : scale;
  }

  #showPeriods(totals: Record<string, Figure>): void {
    const lines = this.panel.metrics.map((name) => {
      const figure = totals[name];
      const head = make("th", "", this.words.metric(name).title);
      head.scope = "row";
      const before = figure?.previous === undefined ? NO_DATA : this.words.value(name, figure.previous);
      return make(
        "tr",
        "",
        head,
        make("td", "number", figure ? this.#link(name, figure, null) : NO_DATA),
        make("td", "number muted", before),
        make("td", "number", (figure && this.words.change(name, figure)) ?? NO_DATA),
      );
    });
    find("tbody", this.#element).replaceChildren(...lines);
  }

  #showTable(answer: QueryAnswer): void {
    const body = this.#element.querySelector(".rows tbody");
    if (!body) return;
    body.replaceChildren(...answer.rows.map((row) => this.#line(row)));
    const foot = this.#element.querySelector(".rows tfoot");
    if (!foot) return;
    const head = make("th", "", this.words.text("total"));
    head.scope = "row";
    head.colSpan = this.panel.dimensions.length;
    foot.replaceChildren(make("tr", "", head, ...this.panel.metrics.map((name) => this.#cell(name, answer.totals[name], null))));
  }

  #line(row: Row): HTMLTableRowElement {
    const heads = this.panel.dimensions.map((name) => {
      const head = make("th", MOMENTS.includes(name) ? "moment" : "", this.words.dimensionValue(name, row.dimensions[name]));
      head.scope = "row";
      return head;
    });
    return make("tr", "", ...heads, ...this.panel.metrics.map((name) => this.#cell(name, row.metrics[name], row)));
  }

  #cell(name: string, figure: Figure | undefined, row: Row | null): HTMLTableCellElement {
    const cell = make("td", "number", figure ? this.#link(name, figure, row) : NO_DATA);
    const change = figure ? this.words.change(name, figure) : null;
    if (change) cell.append(change);
    return cell;
  }

  /** A figure; where calls are behind it, the way to them. */
  #link(name: string, figure: Figure, row: Row | null): HTMLElement {
    const words = this.words.figure(name, figure);
    const address = figure.value ? callsAddress(this.data, this.words.metric(name), row) : null;
    const element = address ? make("a", "value", words) : make("span", "value", words);
    if (element instanceof HTMLAnchorElement && address) {
      element.href = address;
      element.title = [this.words.share(name, figure), this.words.interval(figure), this.words.text("calls_behind")]
        .filter(Boolean)
        .join(" · ");
    }
    return element;
  }
}

async function detailOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { detail?: string }).detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

interface RollupState {
  is_proven: boolean;
  newest_check_time: string | null;
  wrong: { wrong_days: string[] }[];
}

/** Whether the sums that the figures come from have been held against the facts, and what came of it. */
async function showProof(words: Words): Promise<void> {
  const response = await fetch("/v1/rollups");
  if (!response.ok) return;
  const state = (await response.json()) as RollupState;
  const isProven = state.is_proven && state.newest_check_time !== null;
  const days = new Set(state.wrong.flatMap((slice) => slice.wrong_days)).size;
  const place = find<HTMLElement>('[data-value="proof"]');
  if (days) find(".heading .facts:last-child").append(place); // what is wrong is said first
  place.dataset["tone"] = days ? "bad" : isProven ? "good" : "";
  const time = state.newest_check_time === null ? NO_DATA : words.format.dayHour(state.newest_check_time);
  place.textContent = fill(words.text(days ? "sums_wrong" : isProven ? "sums_proven" : "sums_unproven"), {
    days: words.format.integer(days),
    time,
  });
}

function start(): void {
  const data = pageData<ReportData>("#report-data");
  const words = new Words(data, new Format(data.language, data.shown_zone));
  const views = data.panels.map((panel) => new PanelView(panel, data, words));
  const redraw = (): void => views.forEach((view) => view.redraw());
  document.addEventListener("obzvon:theme", redraw);
  NARROW.addEventListener("change", redraw);
  window.addEventListener("beforeprint", redraw);
  window.addEventListener("afterprint", redraw);
  for (const view of views) void view.load();
  void showProof(words);
}

start();
