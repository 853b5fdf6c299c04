import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { ImageError } from '../core/errors.ts';
import { type ImageCommands, scriptOf, stepsOf } from '../core/launch/attach-script.ts';
import { type AttachPlan, planAttachment } from '../core/launch/attach.ts';
import { FUSE_BRIDGES, type FuseBridge } from '../core/launch/bridges.ts';
import { type Attachment, ATTACHMENTS } from '../core/launch/disk.ts';
import type { LaunchOptions } from '../core/launch/launch.ts';
import { VMMS } from '../core/launch/vmms.ts';
import { nbdUri } from '../nbd/index.ts';
import { referenceOf } from '../sources/layer-input.ts';
import { imageFileOf, imagesOf, refuseTwiceRead, rootOf } from './attach-images.ts';
import { execPlan } from './attach-exec.ts';
import { addGuestOptions, configurationOf, type GuestArguments, guestOf, imagesNamed } from './attach-guest.ts';
import { type ProcessorArguments, processorOf } from './attach-processor.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { divideWords } from './command-words.ts';
import { addImageOptions, addLayers, described } from './image-arguments.ts';
import { RecordedOptions } from './recorded-options.ts';
import type { ExportArguments } from './serve-exports.ts';
import { addWritableOptions, refuseHashTree, type WritableArguments } from './serve-writable.ts';
import { parseCount, parseSize } from './values.ts';

interface AttachArguments extends ProcessorArguments, WritableArguments, GuestArguments {
  readonly as?: Attachment;
  readonly at?: string;
  readonly bridge: FuseBridge;
  readonly name?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly memory: number;
  readonly cpus: number;
  readonly exec?: boolean;
  readonly run?: string;
  readonly program?: string;
}

const NOTES: CommandNotes = {
  notes: [
    'Prints what starts the server, the bridge and the VMM, for a shell.',
    'What stands behind -- is for the VMM, behind what it is told of the disks: a later option of QEMU overrides an earlier one.',
  ],
  examples: [
    ['blockloom attach base.tar --vmm firecracker --kernel vmlinux', 'what starts it'],
    ['blockloom attach base.tar --vmm firecracker --kernel vmlinux --exec', 'starts it'],
    ['blockloom attach base.tar --as fuse --at disk.img --exec', 'a file, for what is not known here'],
    ['blockloom attach base.tar --vmm qemu --kernel vmlinuz --exec -- -nic user', 'with a network'],
    ['blockloom attach root=base.tar data=data.img --vmm qemu --kernel vmlinuz', '/dev/vda and /dev/vdb'],
    [
      'blockloom attach base.tar --as vhost-user --exec --run \'my-vmm --disk "$disk"\'',
      'a VMM that is not known here',
    ],
    ['blockloom attach base.tar --vmm cloud-hypervisor --kernel vmlinux --as file', 'with the image written before'],
    [
      'blockloom attach site.tar --fs tar --vmm solo5-hvt --kernel app.hvt --writable',
      'the block device that a MirageOS unikernel asks for',
    ],
    [
      'blockloom attach --fs ext2 --vmm rumprun --kernel app.bin --config app.json --writable',
      'what a Rumprun configuration names',
    ],
  ],
};

const DEFAULT_MEMORY = 512 << 20;

export function addAttach(program: Command, signal: AbortSignal): void {
  const command = program
    .command('attach')
    .description('give an image to a virtual machine monitor as its disk, or say how');
  addLayers(command, '; or the file of an image; NAME=REFERENCE for several disks, each of the layers of its name');
  addAttachmentOptions(command);
  addVmmOptions(command);
  addGuestOptions(command);
  const own = command.options.length;
  addWritableOptions(command);
  const writable = new RecordedOptions(command, command.options.slice(own));
  const ofServe = command.options.length;
  addImageOptions(command);
  const decides = command.options.slice(ofServe).filter((option) => option.name() !== 'json');
  const file = command.options.filter((option) => option.name() === 'file');
  const recorded = new RecordedOptions(command, [...decides, ...file]);
  addNotes(command, NOTES).action(async (references: string[], given: AttachArguments) => {
    const configuration = configurationOf(given);
    const named = imagesNamed(references, given, configuration);
    const { layers, options } = await described(named.references, named.given);
    if (options.writable === true) refuseHashTree(options);
    const isDefined = named.given.file !== undefined;
    const { images, isNamed } = imagesOf(isDefined ? undefined : named.references, layers, options.name);
    refuseTwiceRead(images, named.given.file, options);
    const launch = { configuration, root: await rootOf(images, options, signal), ...(await processorOf(options)) };
    const plan = planOf(images, options, launch);
    if (options.exec === true) await execPlan(plan, images, options, signal);
    else {
      const name = isNamed ? [] : ['--export', images[0]?.name ?? ''];
      print(plan, options, {
        serve: ['blockloom', 'serve', ...named.words, ...recorded.words, ...writable.words, ...name],
        builds: images.map((image) => buildOf(isNamed ? image.layers.map(referenceOf) : named.words, recorded)),
      });
    }
  });
}

/** How images become disks, and of what. */
function addAttachmentOptions(command: Command): void {
  command
    .addOption(new Option('--vmm <name>', 'the virtual machine monitor').choices(VMMS.map(({ name }) => name)))
    .addOption(
      new Option('--as <way>', 'how it gets the disk; default: what copies least of what the VMM takes').choices(
        ATTACHMENTS,
      ),
    )
    .option(
      '--at <path>',
      'where the disk is to be: the socket, the file, or the block device (default: in a new folder)',
    )
    .addOption(
      new Option('--bridge <program>', 'what makes the file of --as fuse')
        .choices(FUSE_BRIDGES)
        .default('qemu-storage-daemon'),
    )
    .option('--name <name>', "the disk's name for the guest, at most 20 of A-Z a-z 0-9 _ - (default: disk)");
}

/** What starts with them. */
function addVmmOptions(command: Command): void {
  command
    .option('--program <path>', "the VMM's program, where it is not on PATH by its own name")
    .option('--kernel <file>', 'the kernel to boot')
    .option('--initrd <file>', 'its initial RAM disk')
    .option(
      '--append <parameters>',
      "the kernel's command line; default: the first disk's filesystem as root, and the console",
    )
    .addOption(new Option('--memory <size>', "the guest's memory").argParser(parseSize).default(DEFAULT_MEMORY, '512M'))
    .option('--cpus <count>', 'its processors', parseCount, 1)
    .addOption(
      new Option('--accel <how>', 'of QEMU: kvm, or tcg, which emulates; auto: KVM where the kernel starts with it')
        .choices(['auto', 'kvm', 'tcg'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--run <command>',
        'a shell command in place of a VMM, told of the disk by $disk, of several by $1 and so on',
      ).conflicts('vmm'),
    )
    .option('--exec', 'start it all; the exit status is that of the VMM');
}

function planOf(
  images: readonly ExportArguments[],
  options: AttachArguments,
  launch: Pick<LaunchOptions, 'configuration' | 'root' | 'architecture' | 'accelerator'>,
): AttachPlan {
  const { vmm, as, at, bridge, writable, fs = 'ext4' } = options;
  const plan = planAttachment({
    ...options,
    ...guestOf(options),
    ...launch,
    vmm: VMMS.find(({ name }) => name === vmm),
    as,
    at: at === undefined ? undefined : resolve(at),
    fuseBridge: bridge,
    images: images.map(({ name, layers }) => {
      const file = imageFileOf(layers);
      return { name, file, filesystem: file === undefined ? fs : undefined };
    }),
    readOnly: writable !== true,
    vmmWords: divideWords(process.argv).command,
    folder: join(tmpdir(), `blockloom-${randomBytes(4).toString('hex')}`),
    uriOf: (socket, exportName) => nbdUri({ kind: 'unix', path: socket }, exportName),
  });
  if (
    plan.disks.some(({ image }) => image.kind !== 'serve') &&
    (options.delta !== undefined || options.perConnection === true)
  )
    throw new ImageError('option-invalid', 'a guest writes to the file itself: no --delta, no --per-connection');
  return plan;
}

function buildOf(words: readonly string[], { words: options }: RecordedOptions): string[] {
  return ['blockloom', 'build', ...words, ...options];
}

function print(plan: AttachPlan, { json }: AttachArguments, commands: ImageCommands): void {
  if (json !== true) return console.log(scriptOf(plan, commands));
  const { vmm, folder, launch } = plan;
  const disks = plan.disks.map(({ name, disk }) => ({ name, ...disk }));
  console.log(JSON.stringify({ vmm, disks, folder, files: launch?.files ?? [], steps: stepsOf(plan, commands) }));
}
