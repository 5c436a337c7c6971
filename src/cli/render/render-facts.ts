// Facts as text: a name and a value each, and tables with a title.
import { formatTable } from './format.js';

/** A name and a value; a fact without a value is not shown. */
export type FactRow = readonly [name: string, value: string | undefined];

export function factLines(rows: readonly FactRow[]): string[] {
  return formatTable(rows.filter((row): row is [string, string] => row[1] !== undefined));
}

/** A title and the rows below it; nothing if there are no rows. */
export function tableLines(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', title, ...formatTable(rows).map((line) => `  ${line.trimEnd()}`)];
}

export function hexadecimal(number: number | bigint): string {
  return `0x${number.toString(16)}`;
}
