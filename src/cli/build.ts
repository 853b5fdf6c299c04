import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { FORMAT_VERSION } from '../core/ext4/options.ts';
import type { OpenedImage } from '../image/open-image.ts';
import { outputFailure } from '../sinks/failure.ts';
import { addImageOptions, type ImageArguments, layersArgument, withImage } from './image-arguments.ts';
import { checkOutput, STDOUT, writeOutput } from './output.ts';
import { formatUuid } from '../core/ext4/uuid.ts';

interface BuildOptions extends ImageArguments {
  readonly output: string;
  readonly force?: boolean;
  readonly digestFile?: string;
  readonly metadataFile?: string;
}

export function addBuild(program: Command, signal: AbortSignal): void {
  const command = program
    .command('build')
    .description('write the image of layers to a file')
    .argument(...layersArgument);
  command
    .requiredOption('-o, --output <file>', 'where the image goes; - for standard output')
    .option('--force', 'replace the file when it exists')
    .option('--digest-file <file>', 'also write sha256:DIGEST to a file')
    .option('--metadata-file <file>', 'also write what was made, as JSON, to a file');
  addImageOptions(command).action(async (layers: string[], options: BuildOptions) => build(layers, options, signal));
}

async function build(layers: string[], options: BuildOptions, signal: AbortSignal): Promise<void> {
  const { output, force, digestFile, metadataFile } = options;
  // Refused before the layers are decompressed, which may take long.
  await checkOutput(output, force ?? false, layers);
  await withImage(layers, options, signal, async ({ onProgress, print, ...opened }) => {
    const { sha256 } = await writeOutput(opened.image, output, { signal, onProgress, force });
    const metadata = describe(opened, output, sha256);
    await writeText(digestFile, `sha256:${sha256}\n`);
    await writeText(metadataFile, `${JSON.stringify(metadata, null, 2)}\n`);
    const result = options.json === true ? JSON.stringify(metadata) : `${sha256}  ${output}`;
    print(result, output === STDOUT ? 'stderr' : 'stdout');
  });
}

async function writeText(path: string | undefined, text: string): Promise<void> {
  if (path === undefined) return;
  await writeFile(path, text).catch((error: unknown) => {
    throw outputFailure(path, error);
  });
}

function describe({ image, layers }: OpenedImage, output: string, sha256: string): Record<string, unknown> {
  const { uuid, geometry, blocksUsed, inodesUsed } = image.plan;
  return {
    file: output,
    sha256,
    size: image.size,
    formatVersion: FORMAT_VERSION,
    uuid: formatUuid(uuid),
    blockSize: geometry.blockSize,
    blocks: geometry.blocks,
    blocksUsed,
    inodes: geometry.groups * geometry.inodesPerGroup,
    inodesUsed,
    layers: layers.map(({ reference, index, diffId }) => ({ reference, entries: index.count, diffId })),
  };
}
