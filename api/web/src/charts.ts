// The charts. Colours are the style sheet's; a chart is drawn anew when the theme changes or the page is printed.
import { BarChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { Format } from "./format";
import type { Bucket } from "./model";

use([AriaComponent, BarChart, CanvasRenderer, GridComponent, LegendComponent, TooltipComponent]);

const HOUR_MS = 3_600_000;
/** Hours drawn at most: a week. Older ones are in the report of the API. */
const MAX_HOURS = 168;
const FONT = '"Inter Variable", system-ui, sans-serif';

export interface Colours {
  ink: string;
  ink2: string;
  ink3: string;
  line: string;
  card: string;
  accent: string;
  quiet: string;
  danger: string;
  series2: string;
}

/** The tokens as the theme resolves them: light-dark() is known only where it is used. */
function colours(): Colours {
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    ink: read("ink"), ink2: read("ink-2"), ink3: read("ink-3"), line: read("line"), card: read("card"),
    accent: read("accent"), quiet: read("quiet"), danger: read("danger"), series2: read("series-2"),
  };
  probe.remove();
  return found;
}

export abstract class Chart {
  readonly #chart: EChartsType;

  constructor(protected readonly element: HTMLElement) {
    // crisp on paper, too
    this.#chart = init(element, null, { devicePixelRatio: Math.max(2, devicePixelRatio) });
    new ResizeObserver(() => this.#chart.resize({ animation: { duration: 0 } })).observe(element);
  }

  protected abstract option(paint: Colours): Record<string, unknown>;

  redraw(): void {
    const paint = colours();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#chart.setOption(
      {
        textStyle: { fontFamily: FONT },
        // a duration of nothing would not do: the points of a line grow by a duration of their own
        animation: !still,
        animationDuration: 300,
        animationDurationUpdate: 300,
        ...this.option(paint),
      },
      // series that are not drawn any more go
      { replaceMerge: ["series"] },
    );
  }

  protected tooltip(paint: Colours): Record<string, unknown> {
    return {
      trigger: "axis",
      // drawn on the canvas: an HTML tooltip would need inline styles, which the page's policy forbids
      renderMode: "richText",
      axisPointer: { type: "shadow", shadowStyle: { color: paint.line, opacity: 0.45 } },
      backgroundColor: paint.card,
      borderColor: paint.line,
      textStyle: { color: paint.ink, fontFamily: FONT, fontSize: 13 },
    };
  }
}

export class HourChart extends Chart {
  #buckets: Bucket[] = [];

  constructor(
    element: HTMLElement,
    private readonly format: Format,
    private readonly texts: Record<string, string>,
  ) {
    super(element);
  }

  show(buckets: Bucket[]): void {
    this.#buckets = withoutGaps(buckets);
    this.redraw();
  }

  protected override option(paint: Colours): Record<string, unknown> {
    const isOneDay = this.#buckets.length <= 24;
    const bar = (name: string, color: string, radius: number[], value: (bucket: Bucket) => number) => ({
      name,
      type: "bar",
      stack: "calls",
      barMaxWidth: 34,
      barCategoryGap: "28%",
      itemStyle: { color, borderRadius: radius },
      data: this.#buckets.map(value),
    });
    return {
      grid: { left: 0, right: 4, top: 36, bottom: 2, containLabel: true },
      legend: {
        left: 0, top: 0, itemWidth: 10, itemHeight: 10, itemGap: 18, icon: "roundRect", selectedMode: false,
        textStyle: { color: paint.ink2, fontSize: 13, fontFamily: FONT },
      },
      tooltip: this.tooltip(paint),
      xAxis: {
        type: "category",
        data: this.#buckets.map((bucket) => (isOneDay ? this.format.hour(bucket.start) : this.format.dayHour(bucket.start))),
        axisLine: { lineStyle: { color: paint.line } },
        axisTick: { show: false },
        axisLabel: { color: paint.ink3, fontSize: 12, hideOverlap: true },
      },
      yAxis: {
        type: "value",
        minInterval: 1,
        splitNumber: 4,
        splitLine: { lineStyle: { color: paint.line } },
        axisLabel: { color: paint.ink3, fontSize: 12, formatter: (value: number) => this.format.integer(value) },
      },
      series: [
        bar(this.texts["answered"] ?? "", paint.accent, [0, 0, 0, 0], (bucket) => bucket.answered_attempts),
        bar(this.texts["not_answered"] ?? "", paint.quiet, [3, 3, 0, 0], (bucket) => bucket.attempts - bucket.answered_attempts),
      ],
    };
  }
}

/** Hours without a call are hours, too; a short campaign gets some empty ones, so that its bars keep their width. */
function withoutGaps(buckets: Bucket[]): Bucket[] {
  const first = buckets[0];
  const last = buckets.at(-1);
  if (!first || !last) return [];
  const known = new Map(buckets.map((bucket) => [Date.parse(bucket.start), bucket]));
  const end = Date.parse(last.start);
  const start = Math.max(Math.min(Date.parse(first.start), end - 7 * HOUR_MS), end - (MAX_HOURS - 1) * HOUR_MS);
  const hours: Bucket[] = [];
  for (let at = start; at <= end; at += HOUR_MS) {
    hours.push(known.get(at) ?? { start: new Date(at).toISOString(), attempts: 0, answered_attempts: 0 });
  }
  return hours;
}
