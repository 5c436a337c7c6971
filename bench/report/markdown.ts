// The summary of a record in Markdown: goals first, then a table per case. Ratios are the result, seconds the context.
import { evaluateGoals } from '../goals.js';
import { fitLimitModel } from '../limit-model.js';
import type { BenchRecord, CaseRecord } from '../record.js';
import { type CaseRow, caseTable } from './case-table.js';
import { limitLines, modelLines } from './model-lines.js';
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

export function markdownReport(record: BenchRecord): string {
  return [
    `# Benchmark of regraft, ${record.date.slice(0, 10)}, ${record.machine.name}`,
    '',
    ...[...machineLines(record), remainingText(record) ?? []].flat().map((line) => `- ${line}`),
    '',
    '## Goals',
    '',
    ...goalRows(record),
    ...modelSection(record),
    ...record.cases.flatMap((each) => caseSection(each, record)),
    '',
  ].join('\n');
}

function modelSection(record: BenchRecord): string[] {
  const lines = [...limitLines(record), ...modelLines(fitLimitModel(record))];
  return lines.length === 0 ? [] : ['', '## Limits', '', ...lines.map((line) => `- ${line}`)];
}

function goalRows(record: BenchRecord): string[] {
  const results = evaluateGoals(record);
  const measured = results.filter(({ verdict }) => verdict !== 'not measured');
  const rows = measured.map((result) => {
    const noise = noiseRemark(result, record);
    return [result.goal.what, `${goalValue(result)}${noise}`, goalLimit(result), verdictText(result)];
  });
  const others = results.length - measured.length;
  return [
    ...(rows.length > 0 ? table(['goal', 'measured', 'limit', ''], rows) : []),
    ...(others > 0 ? ['', `Not measured in this run: ${others} of ${results.length} goals.`] : []),
  ];
}

function caseSection(record: CaseRecord, all: BenchRecord): string[] {
  const { rows, isNoisy, isCpuNoisy } = caseTable(record, all);
  const { input, metric, baseline, place } = record;
  const head = [
    '',
    `${metric} against ${baseline}`,
    'wall',
    'CPU',
    'CPU against it',
    'CPU against the limit',
    'peak memory',
    '',
  ];
  return [
    '',
    `## ${record.group}: ${record.name}`,
    '',
    `${record.why}. Input: ${megabytes(input.unpackedBytes)} (${megabytes(input.compressedBytes)} compressed)` +
      `${input.files > 0 ? `, ${input.files} files, ${input.packages} packages` : ''}` +
      `${place === undefined ? '' : `; output: ${place}`}; ${roundsText(record)}.`,
    '',
    `${controlText(record)}${isNoisy ? ': **noisy, ratios are marked with ~**' : ''}.`,
    '',
    ...table(
      head,
      rows.map((row) => rowCells(row, { isNoisy, isCpuNoisy })),
    ),
  ];
}

interface Noises {
  readonly isNoisy: boolean;
  readonly isCpuNoisy: boolean;
}

function rowCells(row: CaseRow, { isNoisy, isCpuNoisy }: Noises): string[] {
  const [mark, cpuMark] = [isNoisy ? '~' : '', isCpuNoisy ? '~' : ''];
  const facts = Object.entries(row.facts).map(([name, value]) => `${name} ${value}`);
  return [
    row.name,
    row.ratio === undefined ? '' : `${mark}${withSpread(row.ratio, ratio)}`,
    withSpread(row.wall, milliseconds),
    withSpread(row.cpu, milliseconds),
    row.cpuRatio === undefined ? '' : `${cpuMark}${ratio(row.cpuRatio.median)}`,
    row.limits === undefined ? '' : ratio(row.limits),
    row.peak === undefined ? '' : megabytes(row.peak.median),
    [...facts, row.remark ?? ''].filter(Boolean).join(', '),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
