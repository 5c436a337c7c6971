// The report as one HTML page: no network, no script, tables and SVG.

import { quantile } from '../../src/core/statistics.js';
import { evaluateGoals } from '../goals.js';
import { fitLimitModel } from '../limit-model.js';
import { type BenchRecord, type CaseRecord, problemsOf } from '../record.js';
import { AGAIN } from '../runner.js';
import { valuesOf } from '../values.js';
import { type Bar, barChart } from './bar-chart.js';
import { type CaseRow, caseTable } from './case-table.js';
import { escapeText } from './escape.js';
import { type Line, lineChart } from './line-chart.js';
import { limitLines, modelLines } from './model-lines.js';
import { STYLE } from './style.js';
import {
  controlText,
  goalLimit,
  goalValue,
  machineLines,
  megabytes,
  milliseconds,
  noiseRemark,
  ratio,
  remainingText,
  roundsText,
  verdictText,
  withSpread,
} from './words.js';

/** Writes the page of a record. */
export function htmlReport(record: BenchRecord): string {
  const title = `Benchmark of regraft, ${record.date.slice(0, 10)}, ${record.machine.name}`;
  const groups = [...new Set(record.cases.map(({ group }) => group))];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeText(title)}</h1>
<p>Ratios are the result: medians of interleaved rounds, each contender against its baseline in the same round. Seconds are context.</p>
${list([...machineLines(record), remainingText(record) ?? []].flat())}
${problemSection(record)}
<nav>${groups.map((group) => `<a href="#${escapeText(group)}">${escapeText(group)}</a>`).join(' ')}</nav>
<h2>Goals</h2>
${goalSection(record)}
${limitSection(record)}
${groups.map((group) => groupSection(group, record)).join('\n')}
</body></html>
`;
}

function list(lines: readonly string[]): string {
  return `<ul class="facts">${lines.map((line) => `<li>${escapeText(line)}</li>`).join('')}</ul>`;
}

function problemSection(record: BenchRecord): string {
  const problems = problemsOf(record);
  if (problems.length === 0) return '';
  const items = problems.map((each) => `<li>${escapeText(each)}</li>`);
  return `<p class="failed">This run has failed: some results are wrong.</p><ul class="failed">${items.join('')}</ul>`;
}

function goalSection(record: BenchRecord): string {
  const results = evaluateGoals(record);
  const measured = results.filter(({ verdict }) => verdict !== 'not measured');
  const rows = measured.map((result) => [
    escapeText(result.goal.what),
    `${escapeText(goalValue(result))}<span class="warn">${escapeText(noiseRemark(result, record))}</span>`,
    `<span class="short">${escapeText(goalLimit(result))}</span>`,
    `<span class="${result.verdict}">${escapeText(verdictText(result))}</span>`,
  ]);
  const others = results.length - measured.length;
  const rest =
    others === 0
      ? ''
      : `<p class="quiet">Not measured in this run: ${others} of ${results.length} goals.</p>`;
  return (rows.length === 0 ? '' : table(['goal', 'measured', 'limit', ''], rows)) + rest;
}

function limitSection(record: BenchRecord): string {
  const lines = [...limitLines(record), ...modelLines(fitLimitModel(record))];
  if (lines.length === 0) return '';
  return `<h2 id="limits">Limits</h2><p>The least that an installation must cost on this machine: the sum of what each step takes alone. The tables give each installation as a multiple of it.</p>${list(lines)}`;
}

function groupSection(group: string, record: BenchRecord): string {
  const cases = record.cases.filter((each) => each.group === group);
  const single = cases.filter(({ series }) => series === undefined);
  const curves = [...new Set(cases.flatMap(({ series }) => series?.name ?? []))];
  return [
    `<h2 id="${escapeText(group)}">${escapeText(group)}</h2>`,
    ...single.map((each) => caseSection(each, record)),
    ...curves.map((name) => curveSection(name, cases)),
  ].join('\n');
}

function caseSection(record: CaseRecord, all: BenchRecord): string {
  const { rows, isNoisy, isCpuNoisy } = caseTable(record, all);
  const { input, metric, baseline, place } = record;
  const bars = rows.flatMap((row) => barOf(row, isNoisy));
  const facts = [
    `${megabytes(input.unpackedBytes)} (${megabytes(input.compressedBytes)} compressed)`,
    ...(input.files > 0 ? [`${input.files} files in ${input.packages} packages`] : []),
    ...(place === undefined ? [] : [`output: ${place}`]),
    roundsText(record),
    controlText(record),
  ];
  return [
    `<h3>${escapeText(record.name)}</h3>`,
    `<p>${escapeText(record.why)}.</p><p class="quiet">${escapeText(facts.join('; '))}</p>`,
    isNoisy
      ? '<p class="warn">The control spreads by more than 5 %: ratios that it affects are marked with ~.</p>'
      : '',
    `<p class="quiet">${escapeText(METRICS[metric])} against ${escapeText(baseline)}; lines: minimum to maximum of the rounds</p>`,
    bars.length === 0 ? '' : barChart(bars, { title: record.name, mark: 1 }),
    missingLine(rows),
    `<details><summary>All numbers</summary>${numbersTable(rows, { isNoisy, isCpuNoisy })}</details>`,
  ].join('\n');
}

const METRICS = { wall: 'Wall time', cpu: 'CPU time', peak: 'Peak memory' } as const;

function barOf(row: CaseRow, isNoisy: boolean): Bar[] {
  if (row.ratio === undefined) return [];
  const { median, least, most } = row.ratio;
  const isOwn = /^(regraft|warm|wasm|native|js)\b/.test(row.name);
  const kind = row.isBaseline ? 'baseline' : isOwn ? 'own' : 'other';
  return [
    {
      label: row.name,
      value: median,
      text: `${isNoisy ? '~' : ''}${ratio(median)}`,
      range: [least, most],
      kind,
    },
  ];
}

function missingLine(rows: readonly CaseRow[]): string {
  const lines = rows.flatMap(({ name, remark }) => (remark === undefined ? [] : [`${name}: ${remark}`]));
  return lines.length === 0 ? '' : list(lines);
}

interface Noises {
  readonly isNoisy: boolean;
  readonly isCpuNoisy: boolean;
}

function numbersTable(rows: readonly CaseRow[], { isNoisy, isCpuNoisy }: Noises): string {
  const [mark, cpuMark] = [isNoisy ? '~' : '', isCpuNoisy ? '~' : ''];
  const cells = rows.map((row) =>
    [
      row.name,
      row.ratio === undefined ? '' : `${mark}${withSpread(row.ratio, ratio)}`,
      withSpread(row.wall, milliseconds),
      withSpread(row.cpu, milliseconds),
      row.cpuRatio === undefined ? '' : `${cpuMark}${ratio(row.cpuRatio.median)}`,
      row.limits === undefined ? '' : ratio(row.limits),
      row.peak === undefined ? '' : megabytes(row.peak.median),
      Object.entries(row.facts)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ].map(escapeText),
  );
  return table(
    ...withoutEmptyColumns(['', 'ratio', 'wall', 'CPU', 'CPU ratio', 'CPU / limit', 'peak', ''], cells),
  );
}

function withoutEmptyColumns(head: readonly string[], rows: readonly (readonly string[])[]) {
  const isUsed = head.map((_, column) => rows.some((cells) => cells[column] !== ''));
  const used = (cells: readonly string[]) => cells.filter((_, column) => isUsed[column]);
  return [used(head), rows.map(used)] as const;
}

function curveSection(name: string, cases: readonly CaseRecord[]): string {
  const points = cases.filter(({ series }) => series?.name === name);
  const unit = points[0]?.series?.unit ?? '';
  const lines = linesOf(points);
  const chart = lineChart(lines, {
    title: `over ${name}`,
    unit,
    writeY: milliseconds,
  });
  const rows = lines.flatMap((line) =>
    line.points.map(({ x, y }) => [line.name, `${x} ${unit}`, milliseconds(y)].map(escapeText)),
  );
  return [
    `<h3>over ${escapeText(name)}</h3><p>${escapeText(points[0]?.why ?? '')}. Wall time:</p>`,
    chart,
    `<details><summary>All numbers</summary>${table(['', unit, 'wall'], rows)}</details>`,
  ].join('\n');
}

/** A line per contender; if a name contains the value on the axis, the line is drawn under the name without it. */
function linesOf(cases: readonly CaseRecord[]): Line[] {
  const lines = new Map<string, { x: number; y: number }[]>();
  for (const { series, contenders } of cases) {
    for (const contender of contenders) {
      const wall = valuesOf(contender, 'wall');
      if (series === undefined || wall.length === 0 || contender.name.endsWith(AGAIN)) continue;
      const name = contender.name.replace(/, (no|\d+) workers?$/, '');
      const points = lines.get(name) ?? [];
      points.push({ x: series.x, y: quantile(wall, 0.5) });
      lines.set(name, points);
    }
  }
  return [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a.x - b.x) }));
}

/** Cells are HTML. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const top = head.map((cell) => `<th>${escapeText(cell)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  return `<div class="scroll"><table><thead><tr>${top}</tr></thead><tbody>${body}</tbody></table></div>`;
}
