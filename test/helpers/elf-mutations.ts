// Damage to ELF files that finds its way: most of it goes to the fields of headers, dynamic entries, version records and symbols, with
// values that mean something there (counts, sizes, offsets, values of other fields).
import { readElfTables } from '../../src/binfmt/elf/elf-tables.js';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import type { SeededRandom } from './seeded-random.js';

/** A number in a file. */
export interface Field {
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
}

/** A good file, and where its numbers are. */
export interface Specimen {
  readonly name: string;
  readonly bytes: Buffer;
  readonly isLittle: boolean;
  readonly fields: readonly Field[];
}

const VERSIONS = new Set([0x6ffffffd, 0x6ffffffe]);
const SYMBOLS = new Set([2, 11]);

/** Prepares a file of which all tables can be read. */
export function elfSpecimen(name: string, bytes: Buffer): Specimen {
  const tables = readElfTables(sourceOfBytes(bytes));
  if ('problem' in tables) throw new TypeError(`"${name}" cannot be mutated: ${tables.problem}`);
  const { reader, sections, dynamic, programHeaders, sectionHeaders } = tables;
  const wide = reader.class === 64;
  const word = wide ? 8 : 4;
  const fields: Field[] = [
    { at: 4, width: 1 },
    { at: 5, width: 1 },
    ...numbers(16, wide ? [2, 2, 4, 8, 8, 8, 4] : [2, 2, 4, 4, 4, 4, 4]),
    ...numbers(wide ? 52 : 40, [2, 2, 2, 2, 2, 2]),
  ];
  const segment: Field['width'][] = wide ? [4, 4, 8, 8, 8, 8, 8, 8] : [4, 4, 4, 4, 4, 4, 4, 4];
  const section: Field['width'][] = wide ? [4, 4, 8, 8, 8, 8, 4, 4, 8, 8] : Array(10).fill(4);
  for (const [table, widths] of [
    [programHeaders, segment],
    [sectionHeaders, section],
  ] as const)
    for (let i = 0; i < table.count; i++)
      fields.push(...numbers(Number(table.offset) + i * table.recordSize, widths));
  for (const { at } of dynamic) fields.push(...numbers(at, [word, word]));
  for (const { type, offset, size } of sections) {
    const [start, end] = [Number(offset), Number(offset + size)];
    if (VERSIONS.has(type)) for (let at = start; at + 4 <= end; at += 2) fields.push({ at, width: 2 });
    if (SYMBOLS.has(type))
      for (let at = start; at + 4 <= end; at += wide ? 24 : 16)
        fields.push(...numbers(at, wide ? [4, 1, 1, 2, 8] : [4, 4, 4, 1, 1, 2]));
  }
  return { name, bytes, isLittle: reader.littleEndian, fields };
}

/** Fields one behind the other. */
export function numbers(start: number, widths: readonly Field['width'][]): Field[] {
  let at = start;
  return widths.map((width) => {
    const field = { at, width };
    at += width;
    return field;
  });
}

/** A damaged copy. */
export function mutate({ bytes: good, fields, isLittle }: Specimen, random: SeededRandom): Buffer {
  const bytes = Buffer.from(random.below(12) === 0 ? good.subarray(0, random.below(good.length)) : good);
  for (let left = random.between(1, 5); left > 0; left--) {
    const field = random.below(10) === 0 ? anyField(good, random) : random.pick(fields);
    if (field.at + field.width > bytes.length) continue;
    const kind = random.below(16);
    if (kind === 0) flipBit(bytes, field, random);
    else if (kind === 1) splice(bytes, field, random);
    else writeNumber(bytes, field, isLittle, newValue(bytes, field, { fields, isLittle, random }));
  }
  return random.below(12) === 0 ? Buffer.concat([bytes, random.bytes(random.below(9000), 3)]) : bytes;
}

function flipBit(bytes: Buffer, { at, width }: Field, random: SeededRandom): void {
  const place = at + random.below(width);
  bytes[place] = (bytes[place] ?? 0) ^ (1 << random.below(8));
}

/** Records of one table stand where another begins. */
function splice(bytes: Buffer, { at }: Field, random: SeededRandom): void {
  const from = random.below(bytes.length);
  bytes.copyWithin(at, from, from + random.between(1, 200));
}

function anyField(bytes: Buffer, random: SeededRandom): Field {
  return { at: random.below(bytes.length), width: 1 };
}

interface Surroundings {
  readonly fields: readonly Field[];
  readonly isLittle: boolean;
  readonly random: SeededRandom;
}

const EDGES = [0n, 1n, 2n, 3n, 7n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n] as const;
const WIDE_EDGES = [0xffffffffn, 1n << 32n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n] as const;

function newValue(bytes: Buffer, field: Field, { fields, isLittle, random }: Surroundings): bigint {
  const old = readNumber(bytes, field, isLittle);
  switch (random.below(6)) {
    case 0:
      return random.pick(EDGES);
    case 1:
      return random.pick(WIDE_EDGES);
    case 2:
      return old + BigInt(random.between(-17, 17));
    case 3: {
      const other = random.pick(fields);
      return other.at + other.width > bytes.length ? 0n : readNumber(bytes, other, isLittle);
    }
    case 4:
      return BigInt(bytes.length + random.between(-70, 70));
    default:
      return BigInt(random.below(bytes.length));
  }
}

function readNumber(bytes: Buffer, { at, width }: Field, isLittle: boolean): bigint {
  const value = Buffer.from(bytes.subarray(at, at + width));
  if (isLittle) value.reverse();
  return BigInt(`0x${value.toString('hex')}`);
}

function writeNumber(bytes: Buffer, { at, width }: Field, isLittle: boolean, value: bigint): void {
  const hex = BigInt.asUintN(8 * width, value)
    .toString(16)
    .padStart(2 * width, '0');
  const number = Buffer.from(hex, 'hex');
  if (isLittle) number.reverse();
  bytes.set(number, at);
}
