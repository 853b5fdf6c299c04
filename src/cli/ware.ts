import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { PACK_DEFAULTS, parseFilters, SCAN_DEFAULTS, unpackDefaults } from '../core/ware/filters.ts';
import { formatWareId, NOTHING, type PackType, parsePackType, parseWareId, type WareId } from '../core/ware/ware-id.ts';
import { packWare } from '../pack-ware.ts';
import { openWare } from '../sources/ware/open-fileset.ts';
import { openSource } from '../sources/ware/open-source.ts';
import { unpackFileset } from '../unpack-ware.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { addWareOptions, EXIT_STATUS, sourceOptions, timeOf, type WareArguments } from './ware-arguments.ts';
import { withProgress } from './common-options.ts';
import { STDOUT } from './output.ts';
import { collect } from './values.ts';

interface HashArguments extends WareArguments {
  readonly type?: PackType;
  readonly filters?: string;
}

interface PackArguments extends WareArguments {
  readonly target?: string;
  readonly filters?: string;
}

interface UnpackArguments extends WareArguments {
  readonly source?: readonly string[];
  readonly output: string;
  readonly force?: boolean;
  readonly filters?: string;
}

const FILTERS =
  'what becomes of attributes: uid and gid keep or a number, mtime keep, @SECONDS or a time, sticky keep or ignore, setid and dev keep, ignore or reject (uid=keep,mtime=keep)';

const SYMLINKS =
  'The name of a ware says nothing about its symlinks, devices and fifos: rio leaves them out when it hashes, and wares have to be compatible. It proves no more than that about what is in a ware.';

const HASH_NOTES: CommandNotes = {
  notes: [
    'A tar or zip has the name that rio scan gives it, which keeps all but refuses set-id bits and devices; a directory the one that rio pack gives it, with the owner 1000:1000 and all times 2010-01-01. Several layers, and container images, are merged first.',
    SYMLINKS,
    EXIT_STATUS,
  ],
  examples: [
    ['blockloom ware hash rootfs.tar.gz'],
    ['blockloom ware hash ./site', 'what ware pack tar ./site would print'],
    ['blockloom ware hash oci:./app:latest --filters setid=keep', 'the merged layers of a container image'],
  ],
};

const PACK_NOTES: CommandNotes = {
  notes: [
    'A path that does not exist is packed to TYPE:-, as rio has it. Without filters owners become 1000:1000, times 2010-01-01, and set-id bits and devices are refused.',
    SYMLINKS,
    EXIT_STATUS,
  ],
  examples: [
    ['blockloom ware pack tar ./site --target=ca+file://./wares/'],
    ['blockloom ware pack tar ./root --filters uid=keep,gid=keep,mtime=keep,setid=keep'],
    ['blockloom ware pack tar base.tar app.tar --target=file://./app.tgz', 'layers, merged'],
  ],
};

const UNPACK_NOTES: CommandNotes = {
  notes: [
    'All of the ware is read and verified before anything is written. A directory may not be there yet, or be empty; what was made of a failed run is removed. Without filters owners become those of who unpacks, and set-id bits and devices are refused. What is printed is the WareID behind the filters.',
    SYMLINKS,
    EXIT_STATUS,
  ],
  examples: [
    ['blockloom ware unpack tar:6q7G… --source ca+https://example.org/wares/ -o root'],
    ['blockloom ware unpack tar:6q7G… --source file://./busybash.tgz -o root --filters uid=follow,gid=follow'],
    ['blockloom ware unpack zip:6c1e… --source ca+file://./wares/ -o site.tar', 'as a tar'],
  ],
};

export function addWare(program: Command, signal: AbortSignal): void {
  const ware = program.command('ware').description("hash, pack and unpack rio's wares");
  const hash = ware
    .command('hash')
    .description('print the WareID of a tar, a zip, a directory, layers or a container image')
    .argument('<refs...>', 'a path, an address as file://PATH or https://…, - for standard input, or layers')
    .addOption(
      new Option('--type <type>', 'tar or zip; default: what the file is, tar for an address').argParser((text) =>
        parsePackType(text),
      ),
    )
    .option('--filters <filters>', FILTERS);
  addNotes(addWareOptions(hash), HASH_NOTES).action(async (references: string[], options: HashArguments) =>
    hashWare(references, options, signal),
  );
  const pack = ware
    .command('pack')
    .description('pack a directory, a tar, layers or a container image as a ware, and print its WareID')
    .argument('<type>', 'tar or zip', (text) => parsePackType(text))
    .argument('<refs...>', 'as for hash')
    .option('--target <warehouse>', 'where it is saved: file://PATH or ca+file://DIR; default: nowhere')
    .option('--filters <filters>', FILTERS);
  addNotes(addWareOptions(pack), PACK_NOTES).action(
    async (type: PackType, references: string[], options: PackArguments) =>
      packSource(type, references, options, signal),
  );
  const unpack = ware
    .command('unpack')
    .description('fetch a ware, verify it, and unpack it as a directory or a tar')
    .argument('<wareid>', 'TYPE:HASH', parseWareId)
    .requiredOption(
      '-o, --output <path>',
      'a directory; a tar where the name ends in .tar; - for a tar on standard output',
    )
    .option(
      '--source <warehouse>',
      'where it may be: file://PATH, ca+file://DIR, http(s)://…, ca+http(s)://…; may be repeated, the first that has it counts',
      collect,
    )
    .option('--force', 'replace a tar that exists')
    .option('--filters <filters>', `${FILTERS}; uid and gid may be mine, and follow is keep`);
  addNotes(addWareOptions(unpack), UNPACK_NOTES).action(async (id: WareId, options: UnpackArguments) =>
    unpackWare(id, options, signal),
  );
}

async function hashWare(references: readonly string[], options: HashArguments, signal: AbortSignal): Promise<void> {
  await withProgress(options, async (progress) => {
    const { fileset, type, isDirectory } = await openSource(
      references,
      options.type,
      sourceOptions(options, signal, progress),
    );
    try {
      const filters = parseFilters(options.filters ?? '', isDirectory ? PACK_DEFAULTS : SCAN_DEFAULTS, timeOf);
      const id = await packWare(fileset, { type, filters, signal, wholeSeconds: isDirectory });
      progress.end();
      printWare(id, options);
    } finally {
      fileset.close();
    }
  });
}

async function packSource(
  type: PackType,
  references: readonly string[],
  options: PackArguments,
  signal: AbortSignal,
): Promise<void> {
  const filters = parseFilters(options.filters ?? '', PACK_DEFAULTS, timeOf);
  const [path = ''] = references;
  if (references.length === 1 && /^[./]|^[^:]*$/.test(path) && path !== '-' && !existsSync(path))
    return printWare({ type, hash: NOTHING }, options);
  await withProgress(options, async (progress) => {
    const { fileset } = await openSource(references, undefined, sourceOptions(options, signal, progress));
    try {
      const id = await packWare(fileset, { type, filters, target: options.target, signal });
      progress.end();
      printWare(id, options);
    } finally {
      fileset.close();
    }
  });
}

async function unpackWare(id: WareId, options: UnpackArguments, signal: AbortSignal): Promise<void> {
  const host = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const filters = parseFilters(options.filters ?? '', unpackDefaults(host), timeOf, host);
  const { output, force } = options;
  await withProgress(options, async (progress) => {
    const opening = sourceOptions(options, signal, progress);
    const fileset = await openWare(id, options.source ?? [], opening);
    try {
      const isTar = output === STDOUT || output.endsWith('.tar');
      const to = isTar ? { tar: output === STDOUT ? process.stdout : output } : { directory: output };
      const { onWarning } = opening;
      const hash = await unpackFileset(fileset, to, { filters, force, signal, onWarning });
      progress.end();
      if (output !== STDOUT) printWare({ type: id.type, hash }, options);
    } finally {
      fileset.close();
    }
  });
}

function printWare(id: WareId, { json }: WareArguments): void {
  console.log(json === true ? JSON.stringify({ ware: formatWareId(id) }) : formatWareId(id));
}
