// Lines over one quantity as SVG. Like the bars it adapts to the width: lines are drawn in pieces, at percentages.
import { escapeText } from './escape.js';

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LineChartOptions {
  readonly title: string;
  /** Unit of the x axis; shown only at the last value. */
  readonly unit: string;
  /** How values on the y axis are written. */
  readonly writeY: (value: number) => string;
}

const HEIGHT = 220;
const TOP = 18;
const BOTTOM = 190;
const LEFT = 2;
const RIGHT = 98;

/** The colours of the report; any further lines get the last one. */
const COLOURS = 4;

export function lineChart(lines: readonly Line[], { title, unit, writeY }: LineChartOptions): string {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return '';
  const most = {
    x: Math.max(...points.map(({ x }) => x)) || 1,
    y: Math.max(...points.map(({ y }) => y)) || 1,
  };
  const place = ({ x, y }: { readonly x: number; readonly y: number }) => ({
    x: `${(LEFT + (x / most.x) * (RIGHT - LEFT)).toFixed(2)}%`,
    y: (BOTTOM - (y / most.y) * (BOTTOM - TOP)).toFixed(1),
  });
  const ticks = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  return [
    `<svg class="lines" role="img" width="100%" height="${HEIGHT}"><title>${escapeText(title)}</title>`,
    `<text class="axis" x="0" y="12">${escapeText(writeY(most.y))}</text>`,
    `<text class="axis" x="0" y="${BOTTOM - 4}">0</text>`,
    `<line class="grid" x1="${LEFT}%" x2="${RIGHT}%" y1="${TOP}" y2="${TOP}"/>`,
    `<line class="grid" x1="${LEFT}%" x2="${RIGHT}%" y1="${BOTTOM}" y2="${BOTTOM}"/>`,
    ...spaced(ticks, most.x).map((x) =>
      tick(x / most.x, { x: place({ x, y: 0 }).x, text: x === most.x ? `${x} ${unit}` : `${x}` }),
    ),
    ...lines.map((line, index) => drawLine(line, Math.min(index, COLOURS - 1), place)),
    '</svg>',
    legend(lines),
  ].join('');
}

/** Leaves out ticks whose labels would overlap. */
function spaced(ticks: readonly number[], most: number): number[] {
  const kept: number[] = [];
  for (const x of ticks.toReversed()) {
    const next = kept.at(-1);
    if (next === undefined || (next - x) / most >= LEAST_GAP) kept.push(x);
  }
  return kept;
}

/** Of the width. */
const LEAST_GAP = 0.18;

/** Keeps labels near an end of the axis inside the chart. */
function tick(part: number, { x, text }: { readonly x: string; readonly text: string }): string {
  const anchor = part < EDGE ? 'start' : part > 1 - EDGE ? 'end' : 'middle';
  return `<text class="axis" text-anchor="${anchor}" x="${x}" y="${HEIGHT - 12}">${escapeText(text)}</text>`;
}

/** Of the width. */
const EDGE = 0.1;

type Placed = (point: { readonly x: number; readonly y: number }) => {
  readonly x: string;
  readonly y: string;
};

function drawLine({ name, points }: Line, colour: number, place: Placed): string {
  const places = points.map(place);
  const pieces = places.slice(1).map((to, i) => {
    const from = places[i] ?? to;
    return `<line class="line c${colour}" x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}"/>`;
  });
  const dots = places.map(({ x, y }) => `<circle class="dot c${colour}" cx="${x}" cy="${y}" r="4"/>`);
  return `<g><title>${escapeText(name)}</title>${pieces.join('')}${dots.join('')}</g>`;
}

function legend(lines: readonly Line[]): string {
  const items = lines.map(
    ({ name }, index) => `<span class="key c${Math.min(index, COLOURS - 1)}">${escapeText(name)}</span>`,
  );
  return `<p class="legend">${items.join(' ')}</p>`;
}
