// A little chart of calls per minute: grey = begun, accent = answered. Its sentence is for those who do not see it.
const SVG = "http://www.w3.org/2000/svg";
const BAR = 4;
const HEIGHT = 24;

export function drawSpark(picture: Element, attempts: number[], answered: number[], sentence: string): void {
  const key = `${attempts.join()}/${answered.join()}/${sentence}`;
  if (picture.getAttribute("data-key") === key) return;
  picture.setAttribute("data-key", key);
  picture.setAttribute("viewBox", `0 0 ${attempts.length * BAR} ${HEIGHT}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-label", sentence);
  const top = Math.max(1, ...attempts);
  const bars = attempts.flatMap((count, index) => [
    bar(index, (count / top) * HEIGHT, "begun"),
    bar(index, ((answered[index] ?? 0) / top) * HEIGHT, "answered"),
  ]);
  picture.replaceChildren(...bars);
}

function bar(index: number, height: number, name: string): SVGRectElement {
  const shape = document.createElementNS(SVG, "rect");
  const shown = height > 0 ? Math.max(height, 0.8) : 0;
  shape.setAttribute("class", name);
  shape.setAttribute("x", String(index * BAR));
  shape.setAttribute("y", (HEIGHT - shown).toFixed(1));
  shape.setAttribute("width", String(BAR - 1));
  shape.setAttribute("height", shown.toFixed(1));
  return shape;
}
