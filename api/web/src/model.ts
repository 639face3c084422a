// What the server sends: api/schemas/live.py, analytics/report.py, api/pages.py.
export interface Rate {
  numerator: number;
  denominator: number;
  value: number | null;
}

export interface LiveCall {
  attempt_id: string;
  number: string;
  started_time: string;
  result: string | null;
  talk_ms: number | null;
  pdd_ms: number | null;
  disposition: string | null;
}

export interface Snapshot {
  status: string;
  seq: number;
  time: string;
  leads: { total: number; pending: number; dialing: number; finished: number; blocked: number };
  attempts: number;
  open_attempts: number;
  outcomes: Record<string, number>;
  callback_requests: number;
  refusals: number;
  last_calls: LiveCall[];
}

export interface Bucket {
  start: string;
  attempts: number;
  answered_attempts: number;
}

export interface Report {
  attempts: number;
  distinct_numbers: number;
  answered_by_number: Rate;
  answered_by_attempt: Rate;
  outcomes: Record<string, number>;
  settled_attempts: number;
  callback_requests: number;
  refusals: number;
  conversion: Rate;
  talk_seconds: { count: number; sum: number; mean: number | null; median: number | null };
  pdd_ms: { count: number; median: number | null };
  by_hour: Bucket[];
}

export interface PageData {
  campaign_id: number;
  language: string;
  time_zone: string;
  live_url: string;
  report_url: string;
  controls_url: string;
  snapshot: Snapshot;
  report: Report;
  texts: Record<string, string>;
}
