// How a report says its figures and its rows, and what it asks.
import { make } from "./dom";
import { type Format, fill, NO_DATA } from "./format";
import type { DimensionValue, Figure, MetricWords, Panel, ReportData, Row } from "./report_model";

export class Words {
  constructor(
    private readonly data: ReportData,
    readonly format: Format,
  ) {}

  text(name: string): string {
    return this.data.texts[name] ?? name;
  }

  metric(name: string): MetricWords {
    return this.data.metrics[name] ?? { name, title: name, unit: "attempts", has_calls: false, is_more_better: null };
  }

  value(name: string, value: number | null): string {
    switch (this.metric(name).unit) {
      case "share":
        return this.format.percent(value);
      case "seconds":
        return this.format.duration(value);
      case "milliseconds":
        return this.format.milliseconds(value);
      case "money":
      case "score":
        return this.format.decimal(value);
      default:
        return this.format.integer(value);
    }
  }

  /** A figure on an axis. */
  tick(name: string, value: number): string {
    return this.metric(name).unit === "share" ? this.format.roundPercent(value) : this.value(name, value);
  }

  figure(name: string, figure: Figure | undefined): string {
    return figure ? this.value(name, figure.value) : NO_DATA;
  }

  /** `12 of 40` beside a share. */
  share(name: string, figure: Figure): string {
    if (this.metric(name).unit !== "share" || figure.denominator === undefined) return "";
    return fill(this.text("of"), {
      numerator: this.format.integer(figure.numerator ?? 0),
      denominator: this.format.integer(figure.denominator),
    });
  }

  interval(figure: Figure): string {
    if (figure.low === undefined || figure.high === undefined) return "";
    return fill(this.text("interval"), { low: this.format.percent(figure.low), high: this.format.percent(figure.high) });
  }

  /** What changed against the other period, null where one of them has no value; its tone says whether that is good. */
  change(name: string, figure: Figure): HTMLElement | null {
    const { unit, is_more_better: isMoreBetter } = this.metric(name);
    const { previous, difference, relative_difference: part } = figure;
    if (previous === undefined || previous === null || difference === undefined || difference === null) return null;
    const direction = Math.sign(difference);
    const mark = make("span", "delta", this.#difference(name, unit, difference, part ?? null));
    mark.dataset["change"] = direction > 0 ? "up" : direction < 0 ? "down" : "same";
    if (isMoreBetter !== null && direction !== 0) mark.dataset["good"] = String(direction > 0 === isMoreBetter);
    mark.title = fill(this.text("before"), { value: this.value(name, previous) });
    return mark;
  }

  /** Shares differ by percentage points, everything else by a part of what it was; what was nothing, by its own size. */
  #difference(name: string, unit: string, difference: number, part: number | null): string {
    if (unit === "share") return fill(this.text("points"), { points: this.format.points(difference) });
    if (part !== null) return this.format.change(part);
    return `${difference > 0 ? "+" : ""}${this.value(name, difference)}`;
  }

  key(row: Row): string {
    return Object.values(row.dimensions).map((value) => String(value.value)).join("|");
  }

  row(row: Row): string {
    return Object.entries(row.dimensions).map(([name, value]) => this.dimensionValue(name, value)).join(" · ");
  }

  dimensionValue(name: string, given: DimensionValue | undefined): string {
    if (!given || given.value === null || given.value === "") return this.text("none");
    if (given.name !== undefined) return given.name;
    const known = this.data.values[`${name}.${given.value}`];
    if (known !== undefined) return known;
    switch (name) {
      case "hour":
        return this.format.dayHour(String(given.value));
      case "day":
      case "week":
        return this.format.date(String(given.value));
      case "month":
        return this.format.month(String(given.value));
      case "hour_of_day":
        return `${String(given.value).padStart(2, "0")}:00`;
      default:
        return String(given.value);
    }
  }
}

export function queryOf(panel: Panel, data: ReportData): Record<string, unknown> {
  const { period, compare, filter, time_zone } = data.request;
  return {
    metrics: panel.metrics,
    dimensions: panel.dimensions,
    order: panel.order,
    limit: panel.limit,
    period,
    ...(time_zone ? { time_zone } : {}),
    ...(compare ? { compare } : {}),
    ...(filter ? { filter } : {}),
  };
}

/** The page of the calls behind a figure; null where no single calls are. */
export function callsAddress(data: ReportData, metric: MetricWords, row: Row | null): string | null {
  if (!metric.has_calls) return null;
  const { period, filter, time_zone } = data.request;
  const at = Object.fromEntries(Object.entries(row?.dimensions ?? {}).map(([name, { value }]) => [name, value]));
  const query = { metric: metric.name, at, period, ...(time_zone ? { time_zone } : {}), ...(filter ? { filter } : {}) };
  return `/calls?query=${encodeURIComponent(JSON.stringify(query))}`;
}
