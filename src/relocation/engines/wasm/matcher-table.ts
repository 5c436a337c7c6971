// Lays out a list of prefixes for the search of the WASM kernels; the layout is described in assembly/scan.ts.
import { checkPrefixes } from '../../prefixes/prefix-map.js';
import { findRoots } from '../../prefixes/prefix-roots.js';

const HEADER_SIZE = 20;
const PAIR_SIZE = 16;
const NODE_SIZE = 20;
const PREFIX_SIZE = 16;
const NO_PREFIX = 0xffff_ffff;

/** Rare bytes are chosen among this many first bytes of a root, so that the search gets close to the end of its input. */
const REACH = 128;

/** Printable bytes from rare to frequent, measured over 150 MB of programs, libraries, headers and scripts of a Debian 12. */
const RARE_FIRST =
  'Q^~&qZJ+!jz?YW{>`7K}<[6V"%\'\\:|]3w4;#X=GF52/8vUk9-@Mby.ORgN*xBP)mC,hT(10ISupD$EdcLlfAaorins_tHe';

/** A table for a list of prefixes; `bytes` is copied into a module's memory. */
export interface MatcherTable {
  readonly bytes: Uint8Array;
  readonly longest: number;
  /** What the prefixes begin with. */
  readonly roots: readonly Uint8Array[];
}

interface Node {
  label: Uint8Array;
  /** The first listed prefix that ends here. */
  prefix: number;
  children: Node[];
}

/**
 * Makes the table for prefixes and, where they are replaced, their replacements.
 * @throws TypeError for an empty prefix
 */
export function makeMatcherTable(
  prefixes: readonly Uint8Array[],
  replacements: readonly Uint8Array[] = [],
): MatcherTable {
  checkPrefixes(prefixes);
  const roots = findRoots(prefixes);
  const nodes = flatten(makeTree(prefixes));
  const pairs = roots.map(choosePair);
  const nodesAt = HEADER_SIZE + roots.length * PAIR_SIZE;
  const prefixesAt = nodesAt + nodes.length * NODE_SIZE;
  const writer = new TableWriter(prefixesAt + prefixes.length * PREFIX_SIZE);
  const longest = prefixes.reduce((most, prefix) => Math.max(most, prefix.length), 0);
  const reach = pairs.reduce((most, pair) => Math.max(most, pair[0], pair[1]), 0);
  writer.numbers(roots.length, nodesAt, longest, reach, prefixesAt);
  for (const pair of pairs) writer.numbers(...pair);
  for (const { node, firstChild } of nodes) {
    writer.place(node.label);
    writer.numbers(node.prefix, node.children.length, firstChild);
  }
  prefixes.forEach((prefix, i) => {
    writer.place(prefix);
    writer.place(replacements[i] ?? prefix);
  });
  return { bytes: writer.finish(), longest, roots };
}

/** Two offsets in a root and the bytes there: the two rarest, if possible different ones. */
function choosePair(
  root: Uint8Array,
): readonly [first: number, second: number, byte1: number, byte2: number] {
  const offsets = [...root.subarray(0, REACH).keys()];
  offsets.sort((a, b) => rarity(root[a]) - rarity(root[b]) || a - b);
  const first = offsets[0] ?? 0;
  const second = offsets.find((offset) => root[offset] !== root[first]) ?? offsets[1] ?? first;
  return [first, second, root[first] ?? 0, root[second] ?? 0];
}

function rarity(byte: number | undefined): number {
  const rank = RARE_FIRST.indexOf(String.fromCharCode(byte ?? 0));
  return rank < 0 ? RARE_FIRST.length : rank;
}

/** A radix tree: every way from the root to a node spells what the prefixes below it begin with. */
function makeTree(prefixes: readonly Uint8Array[]): Node {
  const root: Node = { label: new Uint8Array(0), prefix: NO_PREFIX, children: [] };
  prefixes.forEach((prefix, index) => {
    insert(root, prefix, index);
  });
  return root;
}

function insert(root: Node, prefix: Uint8Array, index: number): void {
  let node = root;
  let rest = prefix;
  while (rest.length > 0) {
    const child = node.children.find(({ label }) => label[0] === rest[0]);
    if (child === undefined) {
      node.children.push({ label: rest, prefix: index, children: [] });
      return;
    }
    splitLabel(child, sharedLength(child.label, rest));
    rest = rest.subarray(child.label.length);
    node = child;
  }
  node.prefix = Math.min(node.prefix, index);
}

/** Cuts a node in two, so that its label has the given length. */
function splitLabel(node: Node, length: number): void {
  if (length === node.label.length) return;
  const tail: Node = { label: node.label.subarray(length), prefix: node.prefix, children: node.children };
  node.label = node.label.subarray(0, length);
  node.prefix = NO_PREFIX;
  node.children = [tail];
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** The nodes in an order that makes the children of each node neighbours. */
function flatten(root: Node): readonly { readonly node: Node; readonly firstChild: number }[] {
  const nodes: { node: Node; firstChild: number }[] = [{ node: root, firstChild: 0 }];
  for (const entry of nodes) {
    entry.firstChild = nodes.length;
    for (const child of entry.node.children) nodes.push({ node: child, firstChild: 0 });
  }
  return nodes;
}

/** Writes the numbers of the table; the bytes that they point to follow behind them. */
class TableWriter {
  readonly #numbers: number[] = [];
  readonly #blobs: Uint8Array[] = [];
  #end: number;

  constructor(sizeOfNumbers: number) {
    this.#end = sizeOfNumbers;
  }

  numbers(...values: readonly number[]): void {
    this.#numbers.push(...values);
  }

  place(blob: Uint8Array): void {
    this.numbers(this.#end, blob.length);
    this.#blobs.push(blob);
    this.#end += blob.length;
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#end);
    const view = new DataView(bytes.buffer);
    this.#numbers.forEach((value, i) => {
      view.setUint32(4 * i, value, true);
    });
    let at = 4 * this.#numbers.length;
    for (const blob of this.#blobs) {
      bytes.set(blob, at);
      at += blob.length;
    }
    return bytes;
  }
}
