// Hours across, weekdays down: a table whose cells are shaded, so that it can be read, heard, copied and printed.
import { make } from "./dom";
import type { Figure, Panel, Row } from "./report_model";
import type { Words } from "./report_words";

const HOURS = 24;
const WEEKDAYS = 7;
const LEVELS = 6;

/** The first metric shades and fills the cells; the second says how many calls stand behind each. `link` makes its way to them. */
export function showHeatMap(
  table: HTMLTableElement,
  panel: Panel,
  rows: Row[],
  words: Words,
  link: (name: string, figure: Figure, row: Row) => HTMLElement,
): void {
  const [shading = "", count = ""] = panel.metrics;
  const cells = new Map(rows.map((row) => [`${row.dimensions["weekday"]?.value}.${row.dimensions["hour_of_day"]?.value}`, row]));
  const hours = [...Array(HOURS).keys()].filter((hour) => rows.some((row) => row.dimensions["hour_of_day"]?.value === hour));
  const first = Math.min(...hours);
  const shown = [...Array(Math.max(...hours) - first + 1).keys()].map((offset) => first + offset);
  const highest = Math.max(...rows.map((row) => row.metrics[shading]?.value ?? 0));
  const corner = make("td");
  const head = make("tr", "", corner, ...shown.map((hour) => heading("col", String(hour).padStart(2, "0"))));
  const lines = [...Array(WEEKDAYS).keys()].map((offset) => {
    const weekday = offset + 1;
    return make(
      "tr",
      "",
      heading("row", words.dimensionValue("weekday", { value: weekday })),
      ...shown.map((hour) => {
        const row = cells.get(`${weekday}.${hour}`);
        const figure = row?.metrics[shading];
        if (!row || !figure || figure.value === null) return make("td");
        const cell = make("td", "", link(shading, figure, row));
        cell.dataset["level"] = String(highest ? Math.round((LEVELS * figure.value) / highest) : 0);
        cell.title = `${words.share(shading, figure)} · ${words.metric(count).title}: ${words.figure(count, row.metrics[count])}`;
        return cell;
      }),
    );
  });
  table.replaceChildren(make("thead", "", head), make("tbody", "", ...lines));
}

function heading(scope: "col" | "row", words: string): HTMLTableCellElement {
  const head = make("th", "", words);
  head.scope = scope;
  return head;
}
