// Medians, their spread, and ratios of interleaved rounds: the numbers in a report.

export interface Summary {
  readonly median: number;
  /** Interquartile range as a fraction of the median. */
  readonly spread: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** The value below which the given fraction of the values lies, interpolated where needed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** @throws TypeError if there are no values */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new TypeError('There are no values to summarize');
  const median = quantile(values, 0.5);
  const between = quantile(values, 0.75) - quantile(values, 0.25);
  return {
    median,
    spread: median === 0 ? 0 : between / median,
    least: Math.min(...values),
    most: Math.max(...values),
    count: values.length,
  };
}

/**
 * The ratio of two contenders, taken round by round, so that what slows a whole round down cancels out.
 * Undefined if they have no round in common.
 */
export function ratioOf(values: readonly number[], baseline: readonly number[]): Summary | undefined {
  const rounds = Math.min(values.length, baseline.length);
  const ratios = Array.from({ length: rounds }, (_, i) => (values[i] ?? 0) / (baseline[i] ?? 0)).filter(
    Number.isFinite,
  );
  return ratios.length === 0 ? undefined : summarize(ratios);
}

/** How far apart two runs of the same thing are: the larger of the distance of their ratio from 1 and its spread. */
export function noiseOf(again: readonly number[], first: readonly number[]): number | undefined {
  const ratio = ratioOf(again, first);
  return ratio && Math.max(Math.abs(ratio.median - 1), ratio.spread);
}
