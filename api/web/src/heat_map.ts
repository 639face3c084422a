// Hours across, weekdays down; on a phone, where a day's hours are too wide, hours down. A table whose cells are shaded, so that it can be read, heard, copied and printed.
import { make } from "./dom";
import { fill } from "./format";
import type { Figure, Panel, Row } from "./report_model";
import type { Words } from "./report_words";

const HOURS = 24;
const WEEKDAYS = 7;
const LEVELS = 6;
/** Below so many calls a share is chance: it is written, and not shaded. */
const FEW = 10;
export const NARROW = matchMedia("(max-width: 720px)");

/** The first metric shades and fills the cells; the second says how many calls stand behind each. `link` makes its way to them. */
export function showHeatMap(
  table: HTMLTableElement,
  scale: HTMLElement,
  panel: Panel,
  rows: Row[],
  words: Words,
  link: (name: string, figure: Figure, row: Row) => HTMLElement,
): void {
  const [shading = "", count = ""] = panel.metrics;
  const isFew = (figure: Figure | undefined): boolean => (figure?.denominator ?? FEW) < FEW;
  const cells = new Map(rows.map((row) => [`${row.dimensions["weekday"]?.value}.${row.dimensions["hour_of_day"]?.value}`, row]));
  const hours = [...Array(HOURS).keys()].filter((hour) => rows.some((row) => row.dimensions["hour_of_day"]?.value === hour));
  const first = Math.min(...hours);
  const shown = [...Array(Math.max(...hours) - first + 1).keys()].map((offset) => first + offset);
  const enough = rows.map((row) => row.metrics[shading]).filter((figure) => !isFew(figure));
  const highest = Math.max(0, ...enough.map((figure) => figure?.value ?? 0));
  const weekdays = [...Array(WEEKDAYS).keys()].map((offset) => offset + 1);
  const dayHead = (scope: Scope) => (day: number) => heading(scope, words.dimensionValue("weekday", { value: day }));
  const hourHead = (scope: Scope) => (hour: number) => heading(scope, String(hour).padStart(2, "0"));
  const cell = (day: number, hour: number): HTMLTableCellElement => {
    const row = cells.get(`${day}.${hour}`);
    const figure = row?.metrics[shading];
    if (!row || !figure || figure.value === null) return make("td");
    const made = make("td", "", link(shading, figure, row));
    if (isFew(figure)) made.dataset["few"] = "";
    else made.dataset["level"] = String(highest ? Math.round((LEVELS * figure.value) / highest) : 0);
    made.title = `${words.share(shading, figure)} · ${words.metric(count).title}: ${words.figure(count, row.metrics[count])}`;
    return made;
  };
  const head = NARROW.matches ? weekdays.map(dayHead("col")) : shown.map(hourHead("col"));
  const lines = NARROW.matches
    ? shown.map((hour) => make("tr", "", hourHead("row")(hour), ...weekdays.map((day) => cell(day, hour))))
    : weekdays.map((day) => make("tr", "", dayHead("row")(day), ...shown.map((hour) => cell(day, hour))));
  table.replaceChildren(make("thead", "", make("tr", "", make("td"), ...head)), make("tbody", "", ...lines));
  const few = fill(words.text("heat_few"), { count: words.format.integer(FEW) });
  const ends = [words.value(shading, 0), words.value(shading, highest), enough.length < rows.length ? few : ""];
  scale.querySelectorAll("span").forEach((place, index) => (place.textContent = ends[index] ?? ""));
}

type Scope = "col" | "row";

function heading(scope: Scope, words: string): HTMLTableCellElement {
  const head = make("th", "", words);
  head.scope = scope;
  return head;
}
