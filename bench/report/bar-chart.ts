// Horizontal bars as SVG. Horizontal positions are percentages and text keeps its size, so the chart fits phones and large screens.
import { escapeText } from './escape.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Written at the end of the label's line. */
  readonly text: string;
  /** Minimum and maximum of the rounds. */
  readonly range?: readonly [least: number, most: number];
  /** Decides the colour: ours, what it is compared with, others. */
  readonly kind: 'own' | 'baseline' | 'other';
}

export interface BarChartOptions {
  readonly title: string;
  /** The position of a line, for example 1 for "as long as the baseline". */
  readonly mark?: number;
}

const ROW = 38;
const BAR_TOP = 19;
const BAR_HEIGHT = 12;
/** The share of the width that the longest bar takes. */
const WIDTH = 96;

export function barChart(bars: readonly Bar[], { title, mark }: BarChartOptions): string {
  const most = Math.max(...bars.map(({ value, range }) => Math.max(value, range?.[1] ?? 0)), mark ?? 0);
  const across = (value: number) => `${((value / (most || 1)) * WIDTH).toFixed(2)}%`;
  const height = bars.length * ROW + 4;
  return [
    `<svg class="bars" role="img" width="100%" height="${height}"><title>${escapeText(title)}</title>`,
    ...bars.map((bar, row) => barRow(bar, row * ROW, across)),
    ...(mark === undefined ? [] : bars.map((_, row) => markLine(across(mark), row * ROW + BAR_TOP))),
    '</svg>',
  ].join('');
}

function barRow(
  { label, value, text, range, kind }: Bar,
  top: number,
  across: (value: number) => string,
): string {
  const middle = top + BAR_TOP + BAR_HEIGHT / 2;
  const whisker =
    range === undefined || range[0] === range[1]
      ? ''
      : `<line class="whisker" x1="${across(range[0])}" x2="${across(range[1])}" y1="${middle}" y2="${middle}"/>`;
  return (
    `<g><title>${escapeText(`${label}: ${text}`)}</title>` +
    `<text x="0" y="${top + 14}">${escapeText(label)}</text>` +
    `<text class="value" x="100%" y="${top + 14}">${escapeText(text)}</text>` +
    `<rect class="${kind}" x="0" y="${top + BAR_TOP}" width="${across(value)}" height="${BAR_HEIGHT}" rx="2"/>${whisker}</g>`
  );
}

/** Drawn only beside the bars, so that it crosses no label. */
function markLine(at: string, top: number): string {
  return `<line class="mark" x1="${at}" x2="${at}" y1="${top - 3}" y2="${top + BAR_HEIGHT + 3}"/>`;
}
