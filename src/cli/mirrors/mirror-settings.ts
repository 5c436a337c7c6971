// The flags that say what a configured mirror is like: how to reach it, and what is expected of it. Secrets are never among them: they come
// from variables, or from files.
import { isAbsolute, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { MIRROR_SCHEMES } from '../../config/mirrors-config.js';
import type { MirrorSettings } from '../../config/mirrors-file.js';
import { closestWord } from '../../core/closest-word.js';
import { MirrorError, UsageError } from '../../core/errors.js';
import { schemeOf } from '../../core/url-scheme.js';
import { redactUrl } from '../../transport/http/location.js';
import { readNamedFile } from '../options.js';

export interface MirrorSettingFlags {
  readonly url?: string;
  readonly fetchUrl?: string;
  readonly pushUrl?: string;
  readonly signed?: boolean;
  readonly unsigned?: boolean;
  readonly view?: string;
  readonly endpointUrl?: string;
  readonly profile?: string;
  readonly id?: string;
  readonly idVariable?: string;
  readonly secretVariable?: string;
  readonly secretFile?: string;
  readonly tokenVariable?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/** The names that Spack has for some of them; what they stand for is in the help. */
const OF_SPACK: readonly (readonly [flag: string, name: keyof MirrorSettingFlags])[] = [
  ['--s3-endpoint-url <url>', 'endpointUrl'],
  ['--s3-profile <name>', 'profile'],
  ['--s3-access-key-id <id>', 'id'],
  ['--s3-access-key-id-variable <name>', 'idVariable'],
  ['--s3-access-key-secret-variable <name>', 'secretVariable'],
  ['--s3-access-token-variable <name>', 'tokenVariable'],
  ['--oci-username <id>', 'id'],
  ['--oci-username-variable <name>', 'idVariable'],
  ['--oci-password-variable <name>', 'secretVariable'],
];

export function addMirrorSettingOptions(command: Command): Command {
  command
    .option('--fetch-url <url>', 'where to read, if it differs')
    .option('--push-url <url>', 'where to write, if it differs')
    .option('--signed', 'refuse packages without a trusted signature')
    .option('--unsigned', 'accept packages without a signature')
    .option('--view <name>', 'view of the index, in build caches of layout 3')
    .option('--endpoint-url <url>', 'server of the bucket')
    .option('--profile <name>', 'profile of the shared files of AWS')
    .option('--id <id>', 'user, or id of an access key')
    .option('--id-variable <name>', 'environment variable that holds it')
    .option('--secret-variable <name>', 'environment variable that holds the password or the secret key')
    .option('--secret-file <file>', 'file to copy it from, into mirrors.yaml')
    .option('--token-variable <name>', 'environment variable that holds an access token')
    .option('--token-file <file>', 'file to copy it from, into mirrors.yaml')
    .option('--ca-file <file>', 'certificate authorities to trust for https, in PEM')
    .option('--client-certificate <file>', 'certificate to show to the server, in PEM')
    .option('--client-key <file>', 'key of the certificate, if it is in a file of its own');
  for (const [flag] of OF_SPACK) command.addOption(new Option(flag).hideHelp());
  return command;
}

/**
 * What flags and URL say, by the keys of `mirrors.yaml`. An empty text takes a key away.
 * @throws UsageError `usage` for flags that contradict each other; MirrorError `mirror-protocol` for a URL that cannot be one.
 */
export async function mirrorSettings(given: MirrorSettingFlags): Promise<MirrorSettings> {
  const flags = withSpacksNames(given);
  if (flags.signed && flags.unsigned) throw new UsageError('usage', 'Cannot use --signed with --unsigned');
  const settings: Record<string, MirrorSettings[string] | undefined> = {
    url: placeOf(flags.url),
    fetch: placeOf(flags.fetchUrl),
    push: placeOf(flags.pushUrl),
    signed: flags.signed ? true : flags.unsigned ? false : undefined,
    view: flags.view,
    endpoint_url: flags.endpointUrl,
    profile: flags.profile,
    access_pair: await accessPair(flags),
    ...(await accessToken(flags)),
    ca_file: fileOf(flags.caFile),
    client_certificate: fileOf(flags.clientCertificate),
    client_key: fileOf(flags.clientKey),
  };
  const set = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return Object.fromEntries(set);
}

function withSpacksNames(flags: MirrorSettingFlags): MirrorSettingFlags {
  const given = flags as Readonly<Record<string, string | undefined>>;
  const named = OF_SPACK.map(([flag, name]) => [name, given[new Option(flag).attributeName()]] as const);
  return { ...Object.fromEntries(named.filter(([, value]) => value !== undefined)), ...flags };
}

async function accessPair(flags: MirrorSettingFlags): Promise<MirrorSettings[string] | undefined> {
  const { id, idVariable, secretVariable, secretFile } = flags;
  const all = [id, idVariable, secretVariable, secretFile];
  if (all.every((each) => each === undefined)) return undefined;
  if (all.every((each) => each === undefined || each === '')) return '';
  if (
    (id && idVariable) ||
    (secretVariable && secretFile) ||
    !(id || idVariable) ||
    !(secretVariable || secretFile)
  )
    throw new UsageError('usage', 'Cannot use half of a login: it needs one id and one secret', {
      hint: 'Give --id or --id-variable, and --secret-variable or --secret-file',
    });
  return {
    ...(id ? { id } : { id_variable: idVariable ?? '' }),
    ...(secretFile ? { secret: await readSecret(secretFile) } : { secret_variable: secretVariable ?? '' }),
  };
}

/** One replaces the other. */
async function accessToken({ tokenVariable, tokenFile }: MirrorSettingFlags): Promise<MirrorSettings> {
  if (tokenVariable === undefined && tokenFile === undefined) return {};
  if (tokenVariable && tokenFile)
    throw new UsageError('usage', 'Cannot use --token-variable with --token-file');
  return {
    access_token_variable: tokenVariable ?? '',
    access_token: tokenFile ? await readSecret(tokenFile) : '',
  };
}

/** A file that one line fills. */
async function readSecret(file: string): Promise<string> {
  const secret = Buffer.from(await readNamedFile(file))
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (secret !== '' && !/[\r\n]/.test(secret)) return secret;
  throw new UsageError('usage', `Cannot use the secret in "${file}": it is not one line`, {
    data: { path: file },
  });
}

function fileOf(file: string | undefined): string | undefined {
  return file ? resolve(file) : file;
}

/** A path is made absolute: in the file it would be relative to the file. */
function placeOf(reference: string | undefined): string | undefined {
  if (reference === undefined || reference === '') return reference;
  const scheme = schemeOf(reference);
  if (scheme === undefined) return isAbsolute(reference) ? reference : resolve(reference);
  if (!MIRROR_SCHEMES.has(scheme)) throw unknownScheme(scheme);
  if (!URL.canParse(reference))
    throw new MirrorError('mirror-protocol', 'Cannot use the URL of a mirror: it cannot be parsed', {
      hint: 'Write it as scheme://host/path',
    });
  const url = new URL(reference);
  if (url.password === '') return reference;
  throw new UsageError(
    'usage',
    `Cannot use "${redactUrl(url)}": the URL holds a password, which others can see`,
    {
      hint: 'Leave user and password away, and give --id and --secret-variable or --secret-file',
    },
  );
}

function unknownScheme(scheme: string): MirrorError {
  const known = [...MIRROR_SCHEMES];
  const meant = closestWord(scheme, known);
  return new MirrorError('mirror-protocol', `Cannot use a mirror with "${scheme}:"`, {
    hint:
      meant === undefined
        ? `Use a path, or one of: ${known.map((each) => `${each}:`).join(' ')}`
        : `Did you mean "${meant}:"?`,
    data: { scheme },
  });
}
