// What the server sends: api/schemas/floor.py, api/floor_page.py.
import type { Rate } from "./model";

export interface Stages {
  dialing: number;
  ringing: number;
  talking: number;
}

export interface Minutes {
  attempts: number[];
  answered: number[];
}

export interface Source {
  name: string;
  read_time: string | null;
  stale_after_seconds: number;
}

export interface Campaign {
  campaign_id: number;
  name: string;
  status: string;
  max_calls_per_second: number;
  max_concurrent_calls: number;
  stages: Stages;
  calls_per_minute: number;
  answered: Rate;
  outcomes: Record<string, number>;
  leads: { total: number; pending: number; finished: number; blocked: number; dialable: number } | null;
  dry_minutes: number | null;
  minutes: Minutes;
}

export interface Trunk {
  trunk_id: number;
  name: string;
  state: string | null;
  reason: string | null;
  channels: number;
  max_channels: number;
  calls_per_minute: number;
  asr: Rate;
  failures: Rate;
  short_calls: Rate;
}

export interface Alert {
  alert_id: number;
  rule_name: string;
  is_share: boolean;
  is_of_recordings: boolean;
  comparison: string;
  subject_name: string | null;
  state: string;
  raised_time: string;
  value: number;
  expected: number;
}

export interface Floor {
  seq: number;
  time: string;
  sources: Source[];
  totals: { stages: Stages; calls_per_minute: number; answered_per_minute: number; answered: Rate; outcomes: Record<string, number>; minutes: Minutes };
  campaigns: Campaign[];
  trunks: Trunk[];
  nodes: { node_name: string; time: string | null; stages: Stages }[];
  alerts: Alert[];
}

export interface FloorData {
  language: string;
  live_url: string;
  may_change: boolean;
  snapshot: Floor;
  texts: Record<string, string>;
}
