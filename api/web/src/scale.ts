// Where a scale ends: at a round figure that the largest value nearly reaches, so that small shares can be told apart.
/** Leading figure of a scale's end: in how many equal steps it is divided. */
const STEPS: [number, number][] = [[1, 5], [1.5, 3], [2, 4], [3, 3], [4, 4], [5, 5], [6, 3], [8, 4], [10, 5]];

/** The smallest round figure that is not below any of the values; of shares never above the whole. Nothing is drawn on 1. */
export function scaleOf(values: number[], isShare: boolean): { end: number; interval: number } {
  const largest = Math.max(0, ...values);
  if (largest === 0) return { end: 1, interval: 0.2 };
  const power = 10 ** Math.floor(Math.log10(largest));
  const [lead, parts] = STEPS.find(([one]) => one * power >= largest * (1 - 1e-9)) ?? [10, 5];
  const end = isShare ? Math.min(1, lead * power) : lead * power;
  return { end, interval: end / parts };
}
