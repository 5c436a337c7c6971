// The engine in plain TypeScript: the rules as they are written in src/relocation, and the oracle of the other engines.
import { JsInflater } from '../../stream/inflate/js-inflater.js';
import type {
  CStringReplacer,
  ElfOptions,
  ElfPatcher,
  MachoPatcher,
  PrefixMapping,
  PrefixScanner,
  RelocationEngine,
  SignOptions,
  TextReplacer,
} from '../engine.js';
import { patchElf } from '../names/elf-patch.js';
import { makeMachoPatcher } from '../names/macho-patch.js';
import { withoutIdentities } from '../prefixes/prefix-map.js';
import { PrefixSearch } from '../prefixes/prefix-search.js';
import { replaceCStrings, seamFor } from '../strings/binary-rules.js';
import { checkTextSize, findTextMatches, rewriteText } from '../text/text-rules.js';
import { checkScanSize, PairList } from './pair-list.js';

/** Runs everywhere, and is the one to read. */
export class JsEngine implements RelocationEngine {
  readonly name = 'js';

  createInflater(): JsInflater {
    return new JsInflater();
  }

  createScanner(prefixes: readonly Uint8Array[]): PrefixScanner {
    const search = new PrefixSearch(prefixes);
    return { scan: (bytes) => scan(bytes, search) };
  }

  createTextReplacer(mapping: PrefixMapping): TextReplacer {
    const changes = withoutIdentities(mapping);
    const search = new PrefixSearch(changes.map(([from]) => from));
    return {
      replace: (text) => {
        checkTextSize(text);
        const matches = findTextMatches(text, search);
        return matches.length === 0 ? undefined : rewriteText(text, matches, changes);
      },
    };
  }

  createCStringReplacer(mapping: PrefixMapping): CStringReplacer {
    const changes = withoutIdentities(mapping);
    const search = new PrefixSearch(changes.map(([from]) => from));
    const seam = seamFor(search.longest);
    return {
      seam,
      replace: (bytes, { start, isLast }) => {
        const limit = isLast ? bytes.length : bytes.length - seam;
        return replaceCStrings(bytes, { start, limit }, search, changes);
      },
    };
  }

  createElfPatcher(mapping: PrefixMapping, options: ElfOptions): ElfPatcher {
    return { patch: (source, origin) => patchElf(source, { ...options, mapping, origin }) };
  }

  createMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher {
    return makeMachoPatcher(mapping, options);
  }
}

function scan(bytes: Uint8Array, search: PrefixSearch): Uint32Array {
  checkScanSize(bytes);
  const hits = new PairList();
  const cursor = search.cursor(bytes);
  for (let from = 0; cursor.advance(from, bytes.length); from = cursor.offset + 1) {
    hits.add([cursor.offset, cursor.index], 0);
  }
  return hits.values();
}
