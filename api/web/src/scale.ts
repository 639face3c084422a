// Where a scale of bars ends: at a round figure that the longest bar nearly fills, so that small shares can be told apart.
const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The smallest round figure that is not below any of the values; of shares never above the whole. Nothing is drawn on 1. */
export function scaleEnd(values: number[], isShare: boolean): number {
  const longest = Math.max(0, ...values);
  if (longest === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(longest));
  const step = STEPS.find((one) => one * power >= longest * (1 - 1e-9)) ?? 10;
  const end = step * power;
  return isShare ? Math.min(1, end) : end;
}
