import { ImageError } from '../errors.ts';
import { checkSolo5Blocks, type Solo5Block, SOLO5_SECTOR_SIZE } from '../manifest/solo5.ts';
import type { Solo5Notes } from '../manifest/solo5-notes.ts';
import type { Disk } from './disk.ts';
import { command, type Launch, type LaunchOptions, mebibytes, pathOf } from './launch.ts';
import { launchLegacyQemu } from './legacy-qemu.ts';
import { qemuSourceOf } from './qemu-vmm.ts';

/** A block device of a unikernel and what it gets: the image, or a file. */
interface Block extends Solo5Block {
  readonly name: string;
  readonly disk: Disk;
}

/** A tender of Solo5, in a process of its own. It opens all its files for writing. https://github.com/Solo5/solo5/blob/master/docs/building.md */
export function launchSolo5(target: 'hvt' | 'spt', options: LaunchOptions): Launch {
  const tender = `solo5-${target}`;
  const files = blocksOf(target, options).flatMap(({ name, disk, sectorSize }) => [
    `--block:${name}=${withoutSpace(pathOf(disk, tender), tender)}`,
    ...(sectorSize === SOLO5_SECTOR_SIZE ? [] : [`--block-sector-size:${name}=${sectorSize}`]),
  ]);
  const { kernel = '', vmmWords = [] } = options;
  return command([tender, `--mem=${mebibytes(options)}`, ...files, ...vmmWords, '--', kernel], words(options));
}

/** A unikernel of Solo5 in QEMU, which finds its disks on PCI in the order of its manifest. https://github.com/Solo5/solo5/blob/master/scripts/virtio-run/solo5-virtio-run.sh */
export function launchSolo5Virtio(options: LaunchOptions): Launch {
  if ((options.sectorSizes?.size ?? 0) > 0) throw unfit('sectors of 512 bytes are all that a virtio unikernel knows');
  const sources = blocksOf('virtio', options).map(({ disk }) => qemuSourceOf(disk));
  return launchLegacyQemu(options, sources, options.append);
}

/**
 * The block devices of a unikernel, in its order: those with a file have that, those with an image of their name that, and an image
 * of another name is for the first that is left.
 */
function blocksOf(target: Solo5Notes['target'], options: LaunchOptions): Block[] {
  const { unikernel, kernel, blocks = [], sectorSizes, disks } = options;
  if (unikernel === undefined) throw unfit(`${kernel}: no unikernel of Solo5, which has notes that say so`);
  if (unikernel.target !== target) throw unfit(`${kernel}: linked for ${unikernel.target}, not for ${target}`);
  const given = new Map<string, Block>();
  const give = (name: string, to: Disk, size: number | undefined): void => {
    if (given.has(name)) throw unfit(`two files or images for ${name}`);
    given.set(name, { name, disk: to, size, sectorSize: sectorSizes?.get(name) ?? SOLO5_SECTOR_SIZE });
  };
  for (const { name, path, size } of blocks) give(name, { as: 'file', path }, size);
  const names = unikernel.manifest.devices.flatMap(({ name, type }) => (type === 'BLOCK_BASIC' ? [name] : []));
  const [named, others] = [true, false].map((is) => disks.filter(({ name }) => names.includes(name) === is));
  for (const { name, disk } of named ?? []) give(name, disk, undefined);
  for (const { disk } of others ?? [])
    give(names.find((name) => !given.has(name)) ?? none(kernel, names), disk, undefined);
  for (const name of sectorSizes?.keys() ?? []) if (!names.includes(name)) throw unfit(`no block device ${name}`);
  checkSolo5Blocks(unikernel.manifest, given);
  return names.flatMap((name) => given.get(name) ?? []);
}

function none(kernel = '', names: readonly string[]): never {
  throw unfit(`${kernel}: no block device for an image; it asks for ${names.length === 0 ? 'none' : names.join(', ')}`);
}

/** The unikernel's own arguments, which the tender hands on as they are. */
const words = ({ append }: LaunchOptions): string[] => (append === undefined ? [] : [append]);

/** Tenders read a path up to the first white space. */
function withoutSpace(path: string, tender: string): string {
  if (!/\s/.test(path)) return path;
  throw unfit(`${JSON.stringify(path)} has white space, at which ${tender} ends it`);
}

const unfit = (what: string): ImageError => new ImageError('option-invalid', what);
