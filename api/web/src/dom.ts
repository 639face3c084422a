// Small moves on the page that every script makes.
const SVG = "http://www.w3.org/2000/svg";

export function find<T extends Element>(selector: string, within: ParentNode = document): T {
  const element = within.querySelector<T>(selector);
  if (!element) throw new Error(`no ${selector} on the page`);
  return element;
}

/** Write a figure wherever it stands; what is unchanged is not touched, so that a screen reader stays quiet. */
export function set(name: string, value: string, within: ParentNode = document): void {
  for (const element of within.querySelectorAll(`[data-value="${name}"]`)) {
    if (element.textContent !== value) element.textContent = value;
  }
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...content: (string | Node)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

/** A link with words. */
export function linkTo(path: string, words: string): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = path;
  link.textContent = words;
  return link;
}

export function cell(content: string | Node, className = ""): HTMLTableCellElement {
  return make("td", className, content);
}

export interface Share {
  key: string;
  label: string;
  count: string;
  share: string;
  /** 0..1: how long the bar is. */
  length: number;
  /** 0..1: where another period's bar ended; absent or null where there is none. */
  before?: number | null;
}

/** Show shares as a list with bars; rows stay the same elements, so that bars grow instead of jumping. */
export function showBars(list: Element, shares: Share[]): void {
  const known = new Map([...list.children].map((row) => [(row as HTMLElement).dataset["result"], row as HTMLElement]));
  const rows = shares.map((share) => {
    const row = known.get(share.key) ?? newBar(share.key);
    find("rect", row).setAttribute("width", `${(100 * share.length).toFixed(1)}%`);
    const line = find("line", row);
    for (const end of ["x1", "x2"]) line.setAttribute(end, `${(100 * (share.before ?? 0)).toFixed(1)}%`);
    line.setAttribute("visibility", share.before ? "visible" : "hidden");
    for (const [part, words] of [["name", share.label], ["count", share.count], ["share", share.share]] as const) {
      const element = find(`.${part}`, row);
      if (element.textContent !== words) element.textContent = words;
    }
    return row;
  });
  if (rows.length !== list.children.length || rows.some((row, index) => list.children[index] !== row)) list.replaceChildren(...rows);
}

function newBar(key: string): HTMLElement {
  const row = make("li");
  row.dataset["result"] = key;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("aria-hidden", "true");
  const bar = document.createElementNS(SVG, "rect");
  bar.setAttribute("height", "100%");
  bar.setAttribute("rx", "4");
  const line = document.createElementNS(SVG, "line");
  line.setAttribute("y2", "100%");
  picture.append(bar, line);
  row.append(picture, make("span", "name"), make("b", "count"), make("span", "share"));
  return row;
}

/** What the server put into the page for its script. */
export function pageData<T>(selector: string): T {
  return JSON.parse(find(selector).textContent ?? "null") as T;
}
