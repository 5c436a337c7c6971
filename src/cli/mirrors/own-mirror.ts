// A mirror that regraft may change: one of its own file.
import { listMirrors } from '../../config/configured-mirrors.js';
import { MirrorsFile } from '../../config/mirrors-file.js';
import { UsageError } from '../../core/errors.js';

/** @throws UsageError `unknown-mirror` for a mirror that only Spack's files have; `config` */
export function openOwnMirror(name: string, path: string): MirrorsFile {
  const file = new MirrorsFile(path);
  const ofSpack = file.names.includes(name)
    ? undefined
    : listMirrors(process.env).find((each) => each.name === name);
  if (ofSpack === undefined) return file;
  const [where] = ofSpack.files;
  throw new UsageError(
    'unknown-mirror',
    `Cannot change mirror "${name}": it is one of Spack's, in "${where}"`,
    {
      hint: `Use "spack mirror", or add a mirror of this name with "regraft mirror add": it takes its place`,
      data: { reference: name, file: where },
    },
  );
}
