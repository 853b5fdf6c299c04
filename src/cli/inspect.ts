import { existsSync } from 'node:fs';
import { addNotes, type CommandNotes } from './command-notes.ts';
import type { Command } from 'commander';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import type { ImageRecord } from '../core/ext4/record.ts';
import { layerIdentityText } from '../core/layer/identity.ts';
import { type FilesystemFacts, filesystemFacts } from '../core/reading/facts.ts';
import type { Solo5Notes } from '../core/manifest/solo5-notes.ts';
import { platformText } from '../core/oci/platform.ts';
import type { Image } from '../image/image.ts';
import { readImageRecord } from '../image/read-record.ts';
import { type FoundFilesystem, openFilesystem, readDisk, type ReadDisk } from '../image/open-filesystem.ts';
import { readUnikernel } from '../read-unikernel.ts';
import type { ImageOrigin } from '../sources/resolve.ts';
import { isoTime, nameJson } from './node-text.ts';
import { formatSize } from './units.ts';
import { fatFacts, type FatFacts } from '../core/fat/reader/facts.ts';
import { FatFilesystem } from '../core/fat/reader/filesystem.ts';
import { readDiskJson, readDiskText } from './read-disk-text.ts';
import { addReadOptions, imageArgument, type Readable, type ReadArguments, withImageToRead } from './readable-image.ts';

const NOTES: CommandNotes = {
  examples: [
    ['blockloom inspect disk.img'],
    ['blockloom inspect --json oci:./app:latest', 'also the digests of its manifest and layers'],
    ['blockloom inspect app.hvt', 'the devices that a Solo5 unikernel has to be given'],
  ],
};

export function addInspect(program: Command, signal: AbortSignal): void {
  const command = program
    .command('inspect')
    .description(
      'print what an image is: its filesystem, its record, where its layers came from; or what disks a Solo5 unikernel asks for',
    )
    .argument(...imageArgument);
  addNotes(addReadOptions(command), NOTES).action(async (reference: string, options: ReadArguments) => {
    const unikernel = existsSync(reference) ? readUnikernel(reference) : undefined;
    if (unikernel !== undefined) return printUnikernel(unikernel, options);
    return withImageToRead(reference, options, signal, async ({ image, progress, warn, ...readable }) => {
      const disk = readDisk(image);
      const found = inspected(image, options.partition, disk);
      const sources = sourcesOf(readable);
      progress.end();
      for (const warning of disk?.warnings ?? []) warn(warning);
      if (options.json === true)
        return console.log(JSON.stringify({ ...diskOf(disk), ...found.json, sources }, null, 2));
      const rows = [...found.rows, ...sourceRows(sources)].map(row);
      console.log([...(disk === undefined ? [] : [readDiskText(disk), '']), ...rows].join('\n'));
    });
  });
}

const diskOf = (disk: ReadDisk | undefined): object => (disk === undefined ? {} : { disk: readDiskJson(disk) });

/** What is said of the filesystem of an image; of a disk without one, or with several, why there is nothing. */
function inspected(image: Image, partition: string | undefined, disk: ReadDisk | undefined): Inspected {
  try {
    const found = openFilesystem(image, partition);
    const place =
      found.partition === undefined ? [] : [['partition', String(found.partition.partition.number)] as const];
    const { json, rows } = inspectedFilesystem(found);
    return {
      json: { ...(found.partition && { partition: found.partition.partition.number }), ...json },
      rows: [...place, ...rows],
    };
  } catch (error) {
    if (disk === undefined || partition !== undefined || !(error instanceof ImageError)) throw error;
    return { json: { filesystem: null, reason: error.message }, rows: [['filesystem', `none read: ${error.message}`]] };
  }
}

function inspectedFilesystem({ filesystem, image }: Pick<FoundFilesystem, 'filesystem' | 'image'>): Inspected {
  if (filesystem instanceof FatFilesystem) {
    const facts = fatFacts(filesystem);
    return { json: { filesystem: fatJson(facts), record: null }, rows: fatRows(facts) };
  }
  const facts = filesystemFacts(filesystem);
  const record = recordOf(image);
  return { json: { filesystem: factsJson(facts), record }, rows: [...factRows(facts), ...recordRows(record)] };
}

/** As JSON has it, and as people read it. */
interface Inspected {
  readonly json: object;
  readonly rows: readonly Row[];
}

const fatJson = ({ label, ...facts }: FatFacts): object => ({ ...nameJson('label', label), ...facts });

function fatRows({ label, bits, uuid, size, clusters, clusterSize, freeClusters }: FatFacts): Row[] {
  return [
    ['filesystem', `vfat, FAT${bits}`],
    ['label', label === '' ? '-' : displayName(label)],
    ['uuid', uuid ?? '-'],
    ['size', `${size} (${formatSize(size)})`],
    ['clusters', `${clusters} of ${clusterSize} bytes${freeClusters === undefined ? '' : `, ${freeClusters} free`}`],
  ];
}

const DEVICE_KINDS = { BLOCK_BASIC: 'block device', NET_BASIC: 'network' } as const;

function printUnikernel({ target, abiVersion, manifest }: Solo5Notes, { json }: ReadArguments): void {
  if (json === true) return console.log(JSON.stringify({ unikernel: { target, abiVersion, ...manifest } }, null, 2));
  const devices = manifest.devices.map(({ name, type }): Row => [DEVICE_KINDS[type], name]);
  console.log([['unikernel', `Solo5, ${target}, ABI version ${abiVersion}`] as const, ...devices].map(row).join('\n'));
}

type Row = readonly [name: string, value: string];

const row = ([name, value]: Row): string => `${name.padEnd(13)}${value}`.trimEnd();

/** The record, null without one, or what is wrong with it. */
function recordOf(image: Image): ImageRecord | { readonly damage: string } | null {
  try {
    return readImageRecord(image) ?? null;
  } catch (error) {
    if (error instanceof ImageError && error.code === 'record-invalid') return { damage: error.message };
    throw error;
  }
}

/** What an image was planned from, if it was. */
interface Source extends Partial<ImageOrigin> {
  readonly reference: string;
}

const sourcesOf = ({ references }: Pick<Readable, 'references'>): Source[] =>
  references.map(({ reference, origin }) => ({ reference, ...origin }));

const time = (seconds: number): string => (seconds === 0 ? 'never' : isoTime({ seconds, nanoseconds: 0 }));

function factsJson({ label, lastMountedOn, created, written, mounted, ...facts }: FilesystemFacts): object {
  const orNull = (seconds: number): string | null => (seconds === 0 ? null : time(seconds));
  const times = { created: orNull(created), written: orNull(written), mounted: orNull(mounted) };
  return { ...nameJson('label', label), ...facts, ...times, ...nameJson('lastMountedOn', lastMountedOn) };
}

function factRows(facts: FilesystemFacts): Row[] {
  const { label, size, blockSize, blocks, freeBlocks, inodes, freeInodes, inodeSize, groups, mounts } = facts;
  const on = facts.lastMountedOn === '' ? '' : `, last on ${displayName(facts.lastMountedOn)}`;
  const state = `${facts.isClean ? 'clean' : 'not clean'}${facts.needsRecovery ? ', its journal is to be replayed' : ''}`;
  return [
    ['filesystem', facts.type],
    ['label', label === '' ? '-' : displayName(label)],
    ['uuid', facts.uuid],
    ['size', `${size} (${formatSize(size)})`],
    [
      'blocks',
      `${blocks} of ${blockSize} bytes, ${freeBlocks} free, in ${groups} ${groups === 1 ? 'group' : 'groups'}`,
    ],
    ['inodes', `${inodes} of ${inodeSize} bytes, ${freeInodes} free`],
    ['features', facts.features.join(' ')],
    ['state', state],
    ['created', time(facts.created)],
    ['written', time(facts.written)],
    ['mounted', `${time(facts.mounted)}, ${mounts} ${mounts === 1 ? 'mount' : 'mounts'}${on}`],
  ];
}

function recordRows(record: ReturnType<typeof recordOf>): Row[] {
  if (record === null) return [['record', 'none: it was not made by blockloom, or not kept']];
  if ('damage' in record) return [['record', record.damage]];
  const { formatVersion, options, tree, inputs = [] } = record;
  const given = Object.entries(options).map(
    ([name, value]) => `${name} ${value === '' ? '-' : displayName(utf8ByteString(String(value)))}`,
  );
  return [
    ['record', `format version ${formatVersion}`],
    ['options', given.join(', ')],
    ['tree', tree],
    ...inputs.map((input) => ['input', layerIdentityText(input)] as const),
  ];
}

function sourceRows(sources: readonly Source[]): Row[] {
  return sources.flatMap(({ reference, manifestDigest, platform, layers = [] }): Row[] => [
    ['from', reference],
    ...(manifestDigest === undefined ? [] : [['manifest', manifestDigest] as const]),
    ...(platform === undefined ? [] : [['platform', platformText(platform)] as const]),
    ...layers.map(
      ({ digest, diffId }) => ['layer', `${diffId}${digest === undefined ? '' : `, kept as ${digest}`}`] as const,
    ),
  ]);
}
