// The live floor: fills the frame that the server drew, several times a second, and says how old each part is.
import { Ask, type Act } from "./ask";
import { cell, find, make, pageData, set, showBars } from "./dom";
import { Format, fill, NO_DATA } from "./format";
import { LiveFeed } from "./live";
import { drawSpark } from "./spark";
import { Wall } from "./wall";
import type { Rate } from "./model";
import type { Alert, Campaign, Floor, FloorData, Stages, Trunk } from "./floor_model";

const TICK_MS = 500;
/** Three heartbeats: a connection that died without a word is noticed. */
const SILENCE_MS = 3_000;
const STAGES = ["dialing", "ringing", "talking"] as const;

class FloorView {
  readonly #format: Format;
  readonly #feed: LiveFeed<Floor>;
  readonly #ask: Ask;
  readonly #rows = new Map<number, HTMLElement>();
  #floor: Floor;
  #receivedAt = performance.now();

  constructor(private readonly data: FloorData) {
    this.#format = new Format(data.language, Intl.DateTimeFormat().resolvedOptions().timeZone);
    this.#floor = data.snapshot;
    this.#feed = new LiveFeed(data.live_url, "floor", (floor) => this.#receive(floor), () => this.#showAges(), SILENCE_MS);
    this.#ask = new Ask(data, (words) => this.#showProblem(words));
  }

  start(): void {
    this.#show();
    const wall = new Wall((isHeld) => (find("#live-news").textContent = this.#word(isHeld ? "rotation_paused" : "rotation_on")));
    find("#wall-on").addEventListener("click", () => wall.enter());
    this.#feed.open();
    setInterval(() => {
      this.#feed.check();
      this.#showAges();
    }, TICK_MS);
    // a page that the browser puts aside must not hold a connection
    window.addEventListener("pagehide", () => this.#feed.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.#feed.open());
  }

  #word(key: string, values: Record<string, string> = {}): string {
    return fill(this.data.texts[key] ?? key, values);
  }

  #receive(floor: Floor): void {
    this.#floor = floor;
    this.#receivedAt = performance.now();
    this.#show();
  }

  #show(): void {
    const { totals } = this.#floor;
    const format = this.#format;
    set("under_way", format.integer(sum(totals.stages)));
    for (const stage of STAGES) set(stage, format.integer(totals.stages[stage]));
    set("calls_per_minute", format.integer(totals.calls_per_minute));
    set("answered_per_minute", format.short(totals.answered_per_minute));
    set("answered", format.percent(totals.answered.value));
    set("answered.note", this.#of(totals.answered, "answered_of"));
    drawSpark(find("#total-minutes"), totals.minutes.attempts, totals.minutes.answered, this.#minutesSentence(totals.minutes.attempts));
    this.#showCampaigns();
    this.#showOutcomes();
    this.#showTrunks();
    this.#showAlerts();
    this.#showAges();
  }

  #of(rate: Rate, word = "of_calls"): string {
    return this.#word(word, { numerator: this.#format.integer(rate.numerator), denominator: this.#format.integer(rate.denominator) });
  }

  #minutesSentence(attempts: number[]): string {
    return this.#word("minutes_label", { most: this.#format.integer(Math.max(0, ...attempts)) });
  }

  #showCampaigns(): void {
    const list = find("#campaigns");
    const { campaigns } = this.#floor;
    find<HTMLElement>("#campaigns-empty").hidden = campaigns.length > 0;
    const rows = campaigns.map((campaign) => {
      const row = this.#rows.get(campaign.campaign_id) ?? this.#newRow(campaign);
      this.#fillRow(row, campaign);
      return row;
    });
    for (const id of this.#rows.keys()) if (!campaigns.some((one) => one.campaign_id === id)) this.#rows.delete(id);
    if (rows.length !== list.children.length || rows.some((row, index) => list.children[index] !== row)) list.replaceChildren(...rows);
  }

  #newRow(campaign: Campaign): HTMLElement {
    const copy = find<HTMLTemplateElement>("#campaign-template").content.cloneNode(true) as DocumentFragment;
    const row = find<HTMLElement>("li", copy);
    row.dataset["campaign"] = String(campaign.campaign_id);
    find<HTMLAnchorElement>(".name", row).href = `/campaigns/${campaign.campaign_id}`;
    this.#rows.set(campaign.campaign_id, row);
    return row;
  }

  #fillRow(row: HTMLElement, campaign: Campaign): void {
    const format = this.#format;
    const put = (part: string, words: string): void => {
      const element = find(`[data-part="${part}"]`, row);
      if (element.textContent !== words) element.textContent = words;
    };
    const name = find(".name", row);
    if (name.textContent !== campaign.name) name.textContent = campaign.name;
    const status = find<HTMLElement>(".status", row);
    if (status.dataset["status"] !== campaign.status) {
      status.dataset["status"] = campaign.status;
      status.textContent = this.#word(`status.${campaign.status}`);
      this.#showActs(find(".acts", row), campaign);
    }
    const progress = find<HTMLProgressElement>("progress", row);
    const { leads } = campaign;
    progress.max = Math.max(leads?.total ?? 1, 1);
    progress.value = leads ? leads.finished + leads.blocked : 0;
    put("contacts", leads ? this.#word("of_contacts", { done: format.integer(leads.finished + leads.blocked), total: format.integer(leads.total) }) : this.#word("not_counted"));
    for (const stage of STAGES) put(stage, format.integer(campaign.stages[stage]));
    put("per-minute", this.#word("per_minute", { count: format.integer(campaign.calls_per_minute) }));
    put("limits", this.#word("limits", { rate: format.short(campaign.max_calls_per_second), calls: format.integer(campaign.max_concurrent_calls) }));
    drawSpark(find(".spark", row), campaign.minutes.attempts, campaign.minutes.answered, this.#minutesSentence(campaign.minutes.attempts));
    put("answered", format.percent(campaign.answered.value));
    put("answered-of", this.#of(campaign.answered, "answered_of"));
    put("dialable", leads ? this.#word("dialable", { count: format.integer(leads.dialable) }) : NO_DATA);
    put("dry", this.#dryWords(campaign));
  }

  #dryWords(campaign: Campaign): string {
    const minutes = campaign.dry_minutes;
    if (minutes === null) return campaign.leads && campaign.calls_per_minute > 0 && campaign.status === "running" ? this.#word("dry_in_day") : "";
    if (minutes === 0) return this.#word("dry_now");
    return this.#word("dry_at", { time: this.#format.hour(new Date(Date.parse(this.#floor.time) + minutes * 60_000).toISOString()) });
  }

  #showActs(place: Element, campaign: Campaign): void {
    const acts: Act[] = campaign.status === "running" ? ["pause", "speed"] : campaign.status === "paused" ? ["resume", "speed"] : [];
    if (!this.data.may_change) return;
    const isFocused = place.contains(document.activeElement);
    place.replaceChildren(
      ...acts.map((act) => {
        const button = make("button", "button small", this.#word(act));
        button.type = "button";
        button.dataset["act"] = act;
        button.setAttribute("aria-label", `${this.#word(act)}: ${campaign.name}`);
        button.addEventListener("click", () => {
          const now = this.#floor.campaigns.find((one) => one.campaign_id === campaign.campaign_id);
          void this.#ask.about(act, now ?? campaign);
        });
        return button;
      }),
    );
    if (isFocused) place.querySelector("button")?.focus({ preventScroll: true });
  }

  #showOutcomes(): void {
    const { outcomes, answered } = this.#floor.totals;
    const total = answered.denominator;
    const rows = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
    find<HTMLElement>("#outcomes-empty").hidden = rows.length > 0;
    showBars(
      find("#outcomes"),
      rows.map(([result, count]) => ({
        key: result,
        label: this.#word(`result.${result}`),
        count: this.#format.integer(count),
        share: this.#format.percent(count / total),
        length: count / total,
      })),
    );
  }

  #showTrunks(): void {
    const { trunks } = this.#floor;
    find<HTMLElement>("#trunks-empty").hidden = trunks.length > 0;
    find<HTMLElement>("#trunk-table").hidden = trunks.length === 0;
    find("#trunks").replaceChildren(...trunks.map((trunk) => this.#trunkRow(trunk)));
  }

  #trunkRow(trunk: Trunk): HTMLTableRowElement {
    const format = this.#format;
    const name = make("th", "", trunk.name);
    name.scope = "row";
    if (trunk.state === "open" || trunk.state === "half_open") {
      const mark = make("span", "badge", this.#word(`trunk.${trunk.state}`));
      mark.dataset["tone"] = trunk.state === "open" ? "bad" : "warn";
      mark.title = trunk.reason ?? "";
      name.append(" ", mark);
    }
    const used = make("progress");
    used.max = Math.max(trunk.max_channels, 1);
    used.value = trunk.channels;
    const channels = this.#word("of_channels", { used: format.integer(trunk.channels), limit: format.integer(trunk.max_channels) });
    used.setAttribute("aria-label", channels);
    const place = make("td", "channels", make("span", "", channels), used);
    const row = make("tr", "", name, place, cell(format.integer(trunk.calls_per_minute), "number"));
    for (const rate of [trunk.asr, trunk.failures, trunk.short_calls]) {
      const part = cell(format.percent(rate.value), "number");
      part.title = this.#of(rate);
      row.append(part);
    }
    return row;
  }

  #showAlerts(): void {
    const { alerts } = this.#floor;
    const section = find<HTMLElement>("#alerts");
    const list = find("ul", section);
    const key = JSON.stringify(alerts.map((alert) => [alert.alert_id, alert.state, alert.value]));
    section.hidden = alerts.length === 0;
    if (section.dataset["key"] === key) return;
    section.dataset["key"] = key;
    list.replaceChildren(...alerts.map((alert) => this.#alertRow(alert)));
  }

  #alertRow(alert: Alert): HTMLElement {
    const write = (value: number): string => (alert.is_share ? this.#format.percent(value) : this.#format.short(value));
    const kind = alert.comparison === "worse_than_usual" ? "expected_usual" : `expected_${alert.comparison}`;
    const words = this.#word(kind, { value: write(alert.value), expected: write(alert.expected) });
    const all = this.#word(alert.is_of_recordings ? "all_recordings" : "whole_floor");
    const row = make(
      "li", "alert",
      make("b", "", `${alert.rule_name}: ${alert.subject_name ?? all}`),
      make("span", "", words),
      make("span", "since", this.#word("since", { time: this.#format.hour(alert.raised_time) })),
    );
    row.dataset["state"] = alert.state;
    if (alert.state === "acknowledged") {
      row.append(make("span", "badge", this.#word("acknowledged")));
    } else if (this.data.may_change) {
      const button = make("button", "button small", this.#word("acknowledge"));
      button.type = "button";
      button.addEventListener("click", () => void this.#ask.acknowledge(alert.alert_id));
      row.append(button);
    }
    return row;
  }

  #showProblem(words: string): void {
    const place = find<HTMLElement>("#problem");
    place.hidden = words === "";
    place.textContent = words;
  }

  /** Seconds since the source's figures were read, by the server's clock, whether or not anything still arrives. */
  #age(readTime: string | null): number | null {
    if (readTime === null) return null;
    const before = Date.parse(this.#floor.time) - Date.parse(readTime);
    return Math.max(0, (before + performance.now() - this.#receivedAt) / 1000);
  }

  #ageWords(age: number | null): string {
    if (age === null) return this.#word("age_never");
    return age < 1.5 ? this.#word("age_now") : this.#word("age_seconds", { age: this.#format.integer(Math.round(age)) });
  }

  #showAges(): void {
    const old: string[] = [];
    const items = this.#floor.sources.map((source) => {
      const age = this.#age(source.read_time);
      const isStale = age === null || age > source.stale_after_seconds;
      const name = this.#word(`source.${source.name}`);
      if (isStale) old.push(name);
      for (const place of document.querySelectorAll<HTMLElement>(`[data-age="${source.name}"]`)) {
        place.dataset["stale"] = String(isStale);
        const words = isStale || source.name === "leads" ? `· ${this.#ageWords(age)}` : "";
        if (place.textContent !== words) place.textContent = words;
      }
      return { key: source.name, words: `${name}: ${this.#ageWords(age)}`, isStale };
    });
    const nodes = this.#floor.nodes.map((node) => {
      const age = this.#age(node.time);
      const isStale = age === null || age > SILENCE_MS / 1000;
      const words = isStale ? this.#word("node_silent", { name: node.node_name, age: this.#ageWords(age) })
        : this.#word("node_calls", { name: node.node_name, calls: this.#format.integer(sum(node.stages)) });
      return { key: node.node_name, words, isStale };
    });
    showChips(find("#ages"), items);
    showChips(find("#nodes"), nodes);
    this.#showConnection(old);
  }

  #showConnection(old: string[]): void {
    const live = find<HTMLElement>("#live");
    const isFirst = this.#feed.heardAt === null;
    const state = !this.#feed.isConnected ? (isFirst ? "connecting" : "lost") : old.length > 0 ? "stale" : "live";
    const time = this.#format.time(this.#floor.time);
    const age = this.#format.integer(Math.round((performance.now() - this.#receivedAt) / 1000));
    const words = this.#word(state, { time, age, sources: old.join(", ").toLowerCase() });
    if (live.textContent !== words) live.textContent = words;
    if (live.dataset["state"] === state) return;
    live.dataset["state"] = state;
    document.documentElement.dataset["floor"] = state;
    find("#live-news").textContent = words; // said once per change
  }
}

function sum(stages: Stages): number {
  return stages.dialing + stages.ringing + stages.talking;
}

function showChips(list: Element, items: { key: string; words: string; isStale: boolean }[]): void {
  while (list.children.length > items.length) list.lastElementChild?.remove();
  items.forEach((item, index) => {
    const chip = (list.children[index] as HTMLElement | undefined) ?? list.appendChild(make("li", "badge"));
    if (chip.textContent !== item.words) chip.textContent = item.words;
    chip.dataset["source"] = item.key;
    if (item.isStale) chip.dataset["tone"] = "bad";
    else delete chip.dataset["tone"];
  });
}

new FloorView(pageData<FloorData>("#floor-data")).start();
