// A report's chart over an ordered dimension: columns for counts, lines for shares. Days without a call are days, too.
import { LineChart } from "echarts/charts";
import { use } from "echarts/core";
import { Chart, type Colours } from "./charts";
import type { Panel, Row } from "./report_model";
import { scaleOf } from "./scale";
import type { Words } from "./report_words";

use([LineChart]);

const DAY_MS = 86_400_000;
/** A gap longer than this is left out instead of being drawn day by day. */
const MAX_DAYS = 400;
/** How pale the column of a day is that is not over yet; on a line its point is hollow. */
const PALE = 0.45;
/** Points of a line are drawn for so many places at most; beyond that only where no line leads to a figure. */
const MAX_POINTS = 62;
const POINT = 5;
const LONE_POINT = 8;
/** How the legend draws a dashed line. */
const DASHES = "path://M0 4h4v2h-4zM6 4h4v2h-4z";

export class SeriesChart extends Chart {
  #panel: Panel | null = null;
  #rows: Row[] = [];
  #today = "";

  constructor(
    element: HTMLElement,
    private readonly words: Words,
  ) {
    super(element);
  }

  /** `today` is the day that is not over yet: its figures are pale, as they still grow. */
  show(panel: Panel, rows: Row[], today = ""): void {
    this.#panel = panel;
    this.#today = today;
    this.#rows = panel.dimensions[0] === "day" ? withEveryDay(rows) : rows;
    this.redraw();
  }

  override redraw(): void {
    if (this.#panel) super.redraw();
  }

  protected override option(paint: Colours): Record<string, unknown> {
    const panel = this.#panel;
    if (!panel) return {};
    const { words } = this;
    const drawn = panel.drawn.length ? panel.drawn : panel.metrics.slice(0, 1);
    const unit = words.metric(drawn[0] ?? "").unit;
    const highest = Math.max(0, ...this.#rows.flatMap((row) => drawn.flatMap((name) => [row.metrics[name]?.value ?? 0, row.metrics[name]?.previous ?? 0])));
    const scale = scaleOf([highest], true);
    const open = this.#rows.findIndex((row) => row.dimensions["day"]?.value === this.#today);
    const titles = drawn.map((name) => words.metric(name).title);
    const before = this.#before(drawn[0] ?? "", paint);
    // a name without figures, for the legend only
    const isLine = panel.chart === "lines";
    const hollow = (color: string | undefined) => ({ color: paint.card, borderColor: color, borderWidth: 2 });
    const growing = isLine ? hollow(paint.accent) : { color: paint.accent, opacity: PALE };
    const pale = open < 0 ? [] : [{ name: words.text("not_over"), type: "line", itemStyle: growing, data: [] }];
    const tints = [paint.accent, paint.series2, paint.quiet];
    return {
      grid: { left: 0, right: 8, top: 36, bottom: 2, containLabel: true },
      legend: {
        // one line, whatever the width: a second one would lie on the chart
        type: "scroll", pageIconSize: 11, pageIconColor: paint.ink2, pageIconInactiveColor: paint.line, pageTextStyle: { color: paint.ink3 },
        left: 0, top: 0, itemWidth: 10, itemHeight: 10, itemGap: 18, icon: "roundRect", selectedMode: false,
        textStyle: { color: paint.ink2, fontSize: 13 },
        data: [...titles, ...before.map(({ name }) => ({ name, icon: DASHES })), ...pale.map(({ name }) => (isLine ? { name, icon: "circle" } : name))],
      },
      tooltip: {
        ...this.tooltip(paint),
        valueFormatter: (value: number | null) => words.value(drawn[0] ?? "", value),
      },
      xAxis: {
        type: "category",
        data: this.#rows.map((row) => words.row(row)),
        axisLine: { lineStyle: { color: paint.line } },
        axisTick: { show: false },
        axisLabel: { color: paint.ink3, fontSize: 12, hideOverlap: true },
      },
      yAxis: {
        type: "value",
        splitNumber: 4,
        splitLine: { lineStyle: { color: paint.line } },
        axisLabel: { color: paint.ink3, fontSize: 12, formatter: (value: number) => words.tick(drawn[0] ?? "", value) },
        ...(unit === "share" ? { max: scale.end, interval: scale.interval } : { minInterval: 1 }),
      },
      series: [...drawn.map((name, index) => ({
        name: words.metric(name).title,
        type: isLine ? "line" : "bar",
        barMaxWidth: 34,
        barGap: "12%",
        showAllSymbol: true,
        connectNulls: false,
        itemStyle: { color: tints[index % tints.length], borderRadius: [3, 3, 0, 0] },
        lineStyle: { width: 2 },
        data: pointed(this.#rows.map((row) => row.metrics[name]?.value ?? null), this.#rows.length <= MAX_POINTS).map((point, at) =>
          at !== open ? point : isLine ? { ...point, symbol: "circle", symbolSize: LONE_POINT, itemStyle: hollow(tints[index % tints.length]) } : { ...point, itemStyle: { opacity: PALE } },
        ),
      })), ...before, ...pale],
    };
  }

  /** The other period's figure of the first metric, as a dashed line over the same places; nothing where none is compared. */
  #before(name: string, paint: Colours): ({ name: string } & Record<string, unknown>)[] {
    const values = this.#rows.map((row) => row.metrics[name]?.previous ?? null);
    if (values.every((value) => !value)) return [];
    return [
      {
        name: `${this.words.metric(name).title}: ${this.words.text("other_period").toLowerCase()}`,
        type: "line",
        showAllSymbol: true,
        itemStyle: { color: paint.ink2 },
        lineStyle: { width: 1.5, type: "dashed" },
        data: pointed(values, false),
      },
    ];
  }
}

interface Point {
  value: number | null;
  symbol: "circle" | "none";
  symbolSize: number;
}

/** Each figure with the mark that it has on a line: one that stands between gaps has always one, as no line leads to it. */
function pointed(values: (number | null)[], hasAll: boolean): Point[] {
  return values.map((value, at) => {
    const isLone = values[at - 1] == null && values[at + 1] == null;
    return { value, symbol: isLone || hasAll ? "circle" : "none", symbolSize: isLone ? LONE_POINT : POINT };
  });
}

function withEveryDay(rows: Row[]): Row[] {
  const times = rows.map((row) => Date.parse(String(row.dimensions["day"]?.value)));
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || (last - first) / DAY_MS > MAX_DAYS) return rows;
  const known = new Map(rows.map((row, index) => [times[index], row]));
  return [...Array(Math.round((last - first) / DAY_MS) + 1).keys()].map((offset) => {
    const at = first + offset * DAY_MS;
    return known.get(at) ?? { dimensions: { day: { value: new Date(at).toISOString().slice(0, 10) } }, metrics: {} };
  });
}
