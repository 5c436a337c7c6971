// Ways to read a tar archive in this process.
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { TarReader } from '../../src/tar/tar-reader.js';
import type { KernelInput } from '../inputs/case-input.js';
import type { KernelCall } from './kernel.js';

const TAR_CHUNK = 512 * 1024;

export function tarReaderCall({ bytes }: KernelInput): KernelCall {
  let facts = '';
  return {
    run: () => {
      const reader = new TarReader();
      let [entries, size] = [0, 0];
      for (let at = 0; at < bytes.length; at += TAR_CHUNK) {
        reader.push(bytes.subarray(at, at + TAR_CHUNK));
        for (let event = reader.next(); event !== undefined; event = reader.next()) {
          if (event.type === 'entry') entries++;
          else if (event.type === 'data') size += event.bytes.length;
        }
      }
      reader.finish();
      facts = `${entries} entries, ${size} bytes`;
    },
    result: () => facts,
  };
}

export function tarStreamCall({ bytes }: KernelInput): KernelCall {
  let facts = '';
  return {
    run: async () => {
      let [entries, size] = [0, 0];
      const chunks = Array.from({ length: Math.ceil(bytes.length / TAR_CHUNK) }, (_, i) =>
        bytes.subarray(i * TAR_CHUNK, (i + 1) * TAR_CHUNK),
      );
      const archive = extract();
      Readable.from(chunks).pipe(archive);
      for await (const entry of archive) {
        entries++;
        for await (const chunk of entry) size += (chunk as Buffer).length;
      }
      facts = `${entries} entries, ${size} bytes`;
    },
    result: () => facts,
  };
}

/** node-tar is an optional dependency; it takes part if it is installed. */
export async function nodeTarCall({ bytes }: KernelInput): Promise<KernelCall | string> {
  const name = 'tar';
  const loaded = (await import(name).catch(() => undefined)) as NodeTar | undefined;
  if (loaded === undefined) return 'the package "tar" is not installed';
  let facts = '';
  return {
    run: async () => {
      let [entries, size] = [0, 0];
      const parser = new loaded.Parser({});
      const end = new Promise<void>((resolve) => parser.on('end', () => resolve()));
      parser.on('entry', (entry) => {
        entries++;
        entry.on('data', (chunk) => {
          size += chunk.length;
        });
      });
      for (let at = 0; at < bytes.length; at += TAR_CHUNK) parser.write(bytes.subarray(at, at + TAR_CHUNK));
      parser.end();
      await end;
      facts = `${entries} entries, ${size} bytes`;
    },
    result: () => facts,
  };
}

interface NodeTarEntry {
  on(event: 'data', listener: (chunk: Buffer) => void): void;
}

interface NodeTarParser {
  on(event: 'end', listener: () => void): void;
  on(event: 'entry', listener: (entry: NodeTarEntry) => void): void;
  write(chunk: Buffer): void;
  end(): void;
}

interface NodeTar {
  readonly Parser: new (options: object) => NodeTarParser;
}
