import { addNotes, type CommandNotes } from './command-notes.ts';
import { type Command, Option } from 'commander';
import { comparePaths, type PathCounts } from '../compare-images.ts';
import { displayName } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import type { PathDifference } from '../core/reading/compare-trees.ts';
import type { ReadableFilesystem } from '../core/reading/filesystem.ts';
import type { Image } from '../image/image.ts';
import { type BlockComparison, compareBlocks, type Count } from '../sinks/compare-blocks.ts';
import { withProgress } from './common-options.ts';
import { ExitCode } from './failure.ts';
import { checkOutput, STDOUT } from './output.ts';
import { writePicture } from './picture.ts';
import { nameJson, nodeJson } from './node-text.ts';
import type { ProgressLine } from './progress.ts';
import { formatSize } from './units.ts';
import { addReadOptions, openCompared, type ReadArguments, readingOptions, withReadable } from './readable-image.ts';
import { JsonArrayOutput, TextOutput } from './text-output.ts';

interface DiffOptions extends ReadArguments {
  readonly only?: 'paths' | 'blocks';
  readonly html?: string;
  readonly force?: boolean;
}

const NOTES: CommandNotes = {
  notes: [
    'Contents are compared byte by byte, whatever sizes and times say. Images that hold the same at other places differ in blocks; --only paths leaves these out.',
  ],
  examples: [
    ['blockloom diff old.img new.img'],
    ['blockloom diff base.tar --delta work.delta', 'what clients of serve changed'],
    ['blockloom diff old.img new.img --html diff.html', 'where they differ, for a browser'],
    ['blockloom diff disk.img base.tar --layer app.tar.gz --only paths', 'is the tree what layers give?'],
  ],
};

export function addDiff(program: Command, signal: AbortSignal): void {
  const command = program
    .command('diff')
    .description('compare two images, path by path and block by block; exit status 4 when they differ')
    .argument('<before>', 'the file of an image, an image definition (.yaml, .json), or a layer as build takes it')
    .argument('[after]', 'the same, with more layers in --layer; without it, <before> with what --delta has over it')
    .addOption(
      new Option('--only <what>', 'compare only what the images hold, or only their bytes').choices([
        'paths',
        'blocks',
      ]),
    );
  command
    .option(
      '--html <file>',
      'also a picture of <after>, with what differs marked; - for standard output, in place of the table',
    )
    .option('--force', 'replace the page when it exists');
  addNotes(addReadOptions(command), NOTES).action(
    async (before: string, after: string | undefined, options: DiffOptions) => {
      if (after === undefined && options.delta === undefined)
        throw new ImageError('option-invalid', 'diff compares two images, or one with --delta over it');
      const { html, force = false, delta } = options;
      const references = [after ?? before, ...(options.layer ?? [])];
      if (html !== undefined) await checkOutput(html, force, [before, ...references]);
      // Of disks what one filesystem holds, and its bytes; bytes alone are those of all of the disk.
      const compared = options.only === 'blocks' ? options : { ...readingOptions(options), planOnly: false };
      await withProgress(options, async (progress) =>
        withReadable({ references: [before] }, compared, signal, progress, async ({ image }) =>
          withReadable({ references, delta }, compared, signal, progress, async (other) => {
            const [left, right] = [sideOf(image, options), sideOf(other.image, options)];
            if (options.partition !== undefined && left.image === image && right.image === other.image)
              throw new ImageError(
                'option-invalid',
                `partition ${options.partition} of images without a partition table`,
              );
            const comparison = await diff(left, right, options, signal, progress);
            if (!comparison.isSame) process.exitCode = ExitCode.different;
            if (html === undefined) return;
            const { changes, ranges } = comparison;
            const picture = {
              ...other,
              image: right.image,
              references,
              output: html,
              force,
              comparison: { with: before, changes, ranges },
            };
            await writePicture(picture, signal, progress);
          }),
        ),
      );
    },
  );
}

/** What is compared of an image. */
interface Side {
  readonly image: Image;
  /** Undefined where only bytes are. */
  readonly filesystem?: ReadableFilesystem;
}

const sideOf = (image: Image, { only, partition }: DiffOptions): Side =>
  only === 'blocks' && partition === undefined ? { image } : openCompared(image, partition);

/** What a picture tells of a comparison. */
interface Outcome {
  /** Whether all that was compared is the same. */
  readonly isSame: boolean;
  readonly changes: readonly { readonly path: string; readonly what: string }[];
  readonly ranges: BlockComparison['firstRanges'];
}

/** How much of a comparison a page lists and marks. */
const CHANGES_MAX = 10_000;
const RANGES_MAX = 1_000_000;

/** Compares and prints. */
async function diff(
  { image: before, filesystem: left }: Side,
  { image: after, filesystem: right }: Side,
  { only, json, html }: DiffOptions,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<Outcome> {
  const report = html === STDOUT ? new NoReport() : json === true ? new JsonReport() : new TextReport();
  const changes: { path: string; what: string }[] = [];
  const onProgress = progress.show;
  let paths: PathCounts | undefined;
  if (only !== 'blocks' && left !== undefined && right !== undefined) {
    const onDifference = async (difference: PathDifference): Promise<void> => {
      progress.clear();
      await report.path(difference, left, right);
      if (html !== undefined && changes.length < CHANGES_MAX) changes.push(changeOf(difference));
    };
    paths = await comparePaths(left, right, { signal, onProgress, onDifference });
  }
  const rangesMax = html === undefined ? undefined : RANGES_MAX;
  const blocks = only === 'paths' ? undefined : await compareBlocks(before, after, { signal, onProgress, rangesMax });
  progress.end();
  const arePathsSame = paths === undefined || paths.added + paths.removed + paths.changed === 0;
  const isSame = arePathsSame && (blocks === undefined || blocks.blocks.different === 0);
  await report.end({ isSame, paths, blocks });
  return { isSame, changes, ranges: blocks?.firstRanges ?? [] };
}

function changeOf({ kind, path, how }: PathDifference): { path: string; what: string } {
  const what = how.length === 0 ? kind : `${kind}: ${how.join(', ')}`;
  return { path: `/${displayName(path, Number.POSITIVE_INFINITY)}`, what };
}

/** Says nothing: standard output is a page's. */
class NoReport {
  path(): void {}
  end(): void {}
}

/** What is said at the end. */
interface Summary {
  readonly isSame: boolean;
  readonly paths: PathCounts | undefined;
  readonly blocks: BlockComparison | undefined;
}

/** How many ranges of different blocks people are shown. */
const SHOWN_RANGES = 4;

/** A line a path, then the counts. */
class TextReport {
  readonly #output = new TextOutput();

  async path({ kind, path, how }: PathDifference): Promise<void> {
    const what = how.length === 0 ? '' : `  (${how.join(', ')})`;
    await this.#output.write(`${kind.padEnd(8)} /${displayName(path, Number.POSITIVE_INFINITY)}${what}\n`);
  }

  async end({ paths, blocks }: Summary): Promise<void> {
    if (paths !== undefined) {
      const { added, removed, changed, same } = paths;
      await this.#output.write(`paths    ${added} added, ${removed} removed, ${changed} changed, ${same} the same\n`);
    }
    if (blocks !== undefined) {
      await this.#output.write(`blocks   ${countText(blocks.blocks)}${placesText(blocks)}\n`);
      await this.#output.write(`chunks   ${countText(blocks.chunks)}\n`);
    }
    await this.#output.flush();
  }
}

function countText({ size, count, different }: Count): string {
  const share = count === 0 ? 0 : (100 * different) / count;
  return `${different} of ${count} of ${formatSize(size)} differ (${share.toFixed(1)} %)`;
}

function placesText({ firstRanges }: BlockComparison): string {
  if (firstRanges.length === 0) return '';
  const shown = firstRanges.slice(0, SHOWN_RANGES).map(({ offset, length }) => `0x${offset.toString(16)}+${length}`);
  return `, first at ${shown.join(', ')}${firstRanges.length > SHOWN_RANGES ? ', …' : ''}`;
}

/** One object: `paths`, then the counts. */
class JsonReport {
  readonly #output = new TextOutput();
  readonly #paths = new JsonArrayOutput(this.#output);
  #isBegun = false;

  async path(
    { kind, path, how, before, after }: PathDifference,
    left: ReadableFilesystem,
    right: ReadableFilesystem,
  ): Promise<void> {
    await this.#begin();
    await this.#paths.write({
      kind,
      ...nameJson('path', path),
      ...(kind === 'changed' && { how }),
      ...(before !== undefined && { before: nodeJson(left, path, before) }),
      ...(after !== undefined && { after: nodeJson(right, path, after) }),
    });
  }

  async #begin(): Promise<void> {
    if (!this.#isBegun) await this.#output.write('{"differences":');
    this.#isBegun = true;
  }

  async end({ isSame, paths, blocks }: Summary): Promise<void> {
    await this.#begin();
    await this.#paths.end();
    await this.#output.write(`,${JSON.stringify({ same: isSame, paths, ...blocks }).slice(1)}\n`);
    await this.#output.flush();
  }
}
