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
import { readUnikernel } from '../read-unikernel.ts';
import type { ImageOrigin } from '../sources/resolve.ts';
import { isoTime, nameJson } from './node-text.ts';
import { formatSize } from './units.ts';
import { addReadOptions, imageArgument, type Readable, type ReadArguments, withFilesystem } from './readable-image.ts';

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
    return withFilesystem(reference, options, signal, async (filesystem, { progress, ...readable }) => {
      const facts = filesystemFacts(filesystem);
      const record = recordOf(readable.image);
      const sources = sourcesOf(readable);
      progress.end();
      if (options.json === true)
        console.log(JSON.stringify({ filesystem: factsJson(facts), record, sources }, null, 2));
      else console.log([...factRows(facts), ...recordRows(record), ...sourceRows(sources)].map(row).join('\n'));
    });
  });
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
