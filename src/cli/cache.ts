import type { Command } from 'commander';
import { ImageError } from '../core/errors.ts';
import { defaultCacheDirectory, removeIfPresent } from '../sources/store/cache-directory.ts';
import { listStore, type Stored } from '../sources/store/listing.ts';
import { pruneStore, type Pruned, type PruneOptions } from '../sources/store/prune.ts';
import { verifyStore } from '../sources/store/verify.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { ExitCode } from './failure.ts';
import { addCommonOptions, type CommonOptions, withProgress } from './common-options.ts';
import { table } from './table.ts';
import { formatSize } from './units.ts';
import { parseDuration, parseSize } from './values.ts';

interface CacheOptions extends CommonOptions {
  readonly cache?: string;
}

interface PruneArguments extends CacheOptions {
  readonly maxSize?: number;
  readonly olderThan?: number;
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

interface VerifyArguments extends CacheOptions {
  readonly remove?: boolean;
}

const LS_NOTES: CommandNotes = {
  notes: [
    'Kinds: layer, a decompressed tar and its index; index, the entries of a tar that is read where it lies; hashes, those of the blocks of a layer, for --verity; record, that such a tar was verified; document, a manifest or configuration from a registry; unfinished, what a process is writing; leftover, what nothing needs; other, what this version does not know.',
  ],
  examples: [['blockloom cache ls'], ['blockloom cache ls --json']],
};

const PRUNE_NOTES: CommandNotes = {
  notes: [
    'Without options only leftovers go: what killed processes left, and what nothing refers to. What a process has open stays.',
  ],
  examples: [
    ['blockloom cache prune --max-size 10G', 'what was used least lately goes first'],
    ['blockloom cache prune --older-than 30d'],
    ['blockloom cache prune --all --dry-run', 'what would go'],
  ],
};

const VERIFY_NOTES: CommandNotes = {
  examples: [
    ['blockloom cache verify'],
    ['blockloom cache verify --remove', 'damaged files are made again when they are needed'],
  ],
};

export function addCache(program: Command, signal: AbortSignal): void {
  const cache = program.command('cache').description('list, prune or verify the store of decompressed layers');
  const ls = addCacheOptions(cache.command('ls').description('list what is kept, last used first'));
  addNotes(ls, LS_NOTES).action((options: CacheOptions) => list(options));
  const pruning = addCacheOptions(cache.command('prune').description('remove what need not be kept'))
    .option('--max-size <size>', 'keep at most so much on the disk (10G)', parseSize)
    .option('--older-than <duration>', 'remove what was not used for so long (12h, 30d, 8w)', parseDuration)
    .option('--all', 'remove everything')
    .option('--dry-run', 'remove nothing, and say what would be removed');
  addNotes(pruning, PRUNE_NOTES).action((options: PruneArguments) => prune(options));
  const verifying = addCacheOptions(
    cache.command('verify').description('compare what is kept with its digests; exit status 4 when it is damaged'),
  ).option('--remove', 'remove what is damaged');
  addNotes(verifying, VERIFY_NOTES).action(async (options: VerifyArguments) => verify(options, signal));
}

function addCacheOptions(command: Command): Command {
  return addCommonOptions(command).option('--cache <dir>', 'the cache; default: ~/.cache/blockloom');
}

function directoryOf({ cache }: CacheOptions): string {
  const directory = cache ?? defaultCacheDirectory();
  if (directory === undefined)
    throw new ImageError('option-invalid', 'a user without a home has no cache: --cache DIR');
  return directory;
}

function list(options: CacheOptions): void {
  const cache = directoryOf(options);
  const items = listStore(cache);
  if (options.json === true) console.log(JSON.stringify({ cache, items, ...totalsOf(items) }));
  else console.log([...(items.length > 0 ? [rowsOf(items)] : []), totalText(items, `in ${cache}`)].join('\n'));
}

function prune(options: PruneArguments): void {
  const { maxSize: bytesMax, olderThan: ageMax, all, dryRun = false } = options;
  const cache = directoryOf(options);
  const pruned = pruneStore(cache, { bytesMax, ageMax, all, dryRun } satisfies PruneOptions);
  console.log(options.json === true ? JSON.stringify({ cache, dryRun, ...pruned }) : prunedText(cache, dryRun, pruned));
}

function prunedText(cache: string, isDryRun: boolean, { removed, kept, inUse }: Pruned): string {
  return [
    ...(removed.length > 0 ? [rowsOf(removed)] : []),
    totalText(removed, isDryRun ? 'would be removed' : 'removed'),
    totalText(kept, `left in ${cache}`),
    ...(inUse.length > 0 ? [totalText(inUse, 'of them stay because a process has them open')] : []),
  ].join('\n');
}

async function verify(options: VerifyArguments, signal: AbortSignal): Promise<void> {
  const cache = directoryOf(options);
  await withProgress(options, async (progress) => {
    const { files, damaged } = await verifyStore(cache, { signal, onProgress: progress.show });
    progress.end();
    if (options.remove === true) for (const { path } of damaged) removeIfPresent(path);
    if (options.json === true) console.log(JSON.stringify({ cache, files, damaged, removed: options.remove === true }));
    else {
      for (const { path, what } of damaged)
        console.log(`${path}: ${what}${options.remove === true ? '; removed' : ''}`);
      const hint = damaged.length > 0 && options.remove !== true ? '; --remove removes them' : '';
      console.log(`${files} files verified, ${damaged.length} damaged${hint}`);
    }
    if (damaged.length > 0) process.exitCode = ExitCode.different;
  });
}

function rowsOf(items: readonly Stored[]): string {
  const rows = items.map(({ kind, name, size, allocated, indexSize, lastUsed, sources }) => [
    kind,
    formatSize(size),
    formatSize(allocated),
    formatSize(indexSize),
    new Date(lastUsed).toISOString().slice(0, 10),
    [name, ...sources].join(' '),
  ]);
  return table(['kind', 'size', 'on disk', 'index', 'last used', 'name, sources'], rows, [1, 2, 3]);
}

function totalsOf(items: readonly Stored[]): { readonly size: number; readonly allocated: number } {
  return {
    size: items.reduce((sum, { size }) => sum + size, 0),
    allocated: items.reduce((sum, { allocated }) => sum + allocated, 0),
  };
}

function totalText(items: readonly Stored[], what: string): string {
  const { size, allocated } = totalsOf(items);
  return `${items.length} ${items.length === 1 ? 'item' : 'items'}, ${formatSize(size)}, ${formatSize(allocated)} on the disk, ${what}`;
}
