// What the report page and the query API send: api/report_pages.py, analytics/query.py, analytics/result.py.
export interface Figure {
  value: number | null;
  numerator?: number;
  denominator?: number;
  denominator_name?: string;
  low?: number;
  high?: number;
  previous?: number | null;
  difference?: number | null;
  relative_difference?: number | null;
}

export interface DimensionValue {
  value: string | number | null;
  name?: string;
}

export interface Row {
  dimensions: Record<string, DimensionValue>;
  metrics: Record<string, Figure>;
}

export interface QueryAnswer {
  generated_time: string;
  rows: Row[];
  totals: Record<string, Figure>;
  row_count: number;
}

export interface Panel {
  name: string;
  /** Of the whole: what a saved one is called unless its owner says otherwise. */
  title: string;
  chart: "figures" | "funnel" | "columns" | "bars" | "heat" | "lines" | "periods";
  metrics: string[];
  drawn: string[];
  dimensions: string[];
  order: { by: string; direction: "asc" | "desc" }[];
  limit: number;
}

export interface Filter {
  op: string;
  dimension?: string;
  values?: (string | number)[];
  filters?: Filter[];
}

export interface Period {
  name?: string;
  from?: string;
  to?: string;
}

export interface MetricWords {
  name: string;
  title: string;
  unit: string;
  /** Whether single calls are behind it. */
  has_calls: boolean;
  /** Whether more of it is better; null where it is neither. */
  is_more_better: boolean | null;
}

export interface ReportData {
  report: string;
  language: string;
  panels: Panel[];
  /** What the filter bar chose; every panel's query has it. */
  request: { period: Period; compare: Period | null; filter: Filter | null; time_zone: string | null };
  /** Of instants, where the request leaves the days to each campaign's own clock. */
  shown_zone: string;
  metrics: Record<string, MetricWords>;
  dimensions: Record<string, string>;
  /** Words of the values of a dimension: values.result.busy */
  values: Record<string, string>;
  texts: Record<string, string>;
}
