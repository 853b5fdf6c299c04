import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ImageError } from '../core/errors.ts';
import { type ImageCommands, scriptOf, stepsOf } from '../core/launch/attach-script.ts';
import { type AttachPlan, planAttachment } from '../core/launch/attach.ts';
import { FUSE_BRIDGES, type FuseBridge } from '../core/launch/bridges.ts';
import { type Attachment, ATTACHMENTS } from '../core/launch/disk.ts';
import type { LaunchOptions } from '../core/launch/launch.ts';
import { VMMS } from '../core/launch/vmms.ts';
import { isImageFile } from '../image/file-image.ts';
import { nbdUri } from '../nbd/index.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import { execPlan } from './attach-exec.ts';
import { addGuestOptions, configurationOf, type GuestArguments, guestOf, imageOf } from './attach-guest.ts';
import { type ProcessorArguments, processorOf } from './attach-processor.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { addImageOptions, addLayers, described } from './image-arguments.ts';
import { RecordedOptions } from './recorded-options.ts';
import { addWritableOptions, type WritableArguments } from './serve-writable.ts';
import { parseCount, parseSize } from './values.ts';

interface AttachArguments extends ProcessorArguments, WritableArguments, GuestArguments {
  readonly as?: Attachment;
  readonly at?: string;
  readonly bridge: FuseBridge;
  readonly name: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly memory: number;
  readonly cpus: number;
  readonly exec?: boolean;
  readonly run?: string;
}

const NOTES: CommandNotes = {
  notes: ['Prints what starts the server, the bridge and the VMM, for a shell.'],
  examples: [
    ['blockloom attach base.tar --vmm firecracker --kernel vmlinux', 'what starts it'],
    ['blockloom attach base.tar --vmm firecracker --kernel vmlinux --exec', 'starts it'],
    ['blockloom attach base.tar --as fuse --at disk.img --exec', 'a file, for what is not known here'],
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
  addLayers(command, '; or the file of an image')
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
    .option('--name <name>', "the disk's name for the guest, at most 20 of A-Z a-z 0-9 _ -", parseName, 'disk')
    .option('--kernel <file>', 'the kernel to boot')
    .option('--initrd <file>', 'its initial RAM disk')
    .option('--append <parameters>', "the kernel's command line; default: the disk as root filesystem, and the console")
    .addOption(new Option('--memory <size>', "the guest's memory").argParser(parseSize).default(DEFAULT_MEMORY, '512M'))
    .option('--cpus <count>', 'its processors', parseCount, 1)
    .addOption(
      new Option('--accel <how>', 'of QEMU: kvm, or tcg, which emulates; auto: KVM where the kernel starts with it')
        .choices(['auto', 'kvm', 'tcg'])
        .default('auto'),
    )
    .addOption(
      new Option('--run <command>', 'a shell command in place of a VMM, told of the disk by $disk').conflicts('vmm'),
    )
    .option('--exec', 'start it all; the exit status is that of the VMM');
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
    const image = imageOf(references, given, configuration);
    const { layers, options } = await described(image.references, image.given);
    const words = [...image.words, ...recorded.words];
    const commands = {
      serve: ['blockloom', 'serve', ...words, ...writable.words],
      build: ['blockloom', 'build', ...words],
    };
    const folder = join(tmpdir(), `blockloom-${randomBytes(4).toString('hex')}`);
    const plan = planOf(layers, { ...options, configuration }, folder, await processorOf(options));
    if (options.exec === true) await execPlan(plan, layers, options, signal);
    else print(plan, commands, options);
  });
}

function planOf(
  layers: readonly LayerInput[],
  options: AttachArguments & Pick<LaunchOptions, 'configuration'>,
  folder: string,
  processor: Awaited<ReturnType<typeof processorOf>>,
): AttachPlan {
  const { vmm, as, at, bridge, writable } = options;
  const [first, ...more] = layers;
  const isImage = typeof first === 'string' && more.length === 0 && isImageFile(first);
  const plan = planAttachment({
    ...options,
    vmm: VMMS.find(({ name }) => name === vmm),
    as,
    at: at === undefined ? undefined : resolve(at),
    fuseBridge: bridge,
    imageFile: isImage ? resolve(first) : undefined,
    readOnly: writable !== true,
    filesystem: isImage ? undefined : (options.fs ?? 'ext4'),
    ...guestOf(options),
    ...processor,
    folder,
    uriOf: (socket, exportName) => nbdUri({ kind: 'unix', path: socket }, exportName),
  });
  if (plan.image.kind !== 'serve' && (options.delta !== undefined || options.perConnection === true))
    throw new ImageError('option-invalid', 'a guest writes to the file itself: no --delta, no --per-connection');
  return plan;
}

function print(plan: AttachPlan, commands: ImageCommands, { json }: AttachArguments): void {
  if (json !== true) return console.log(scriptOf(plan, commands));
  const { vmm, disk, folder, launch } = plan;
  console.log(JSON.stringify({ vmm, disk, folder, files: launch?.files ?? [], steps: stepsOf(plan, commands) }));
}

function parseName(text: string): string {
  if (!/^[\w-]{1,20}$/.test(text)) throw new InvalidArgumentError('A name is 1 to 20 of A-Z a-z 0-9 _ -.');
  return text;
}
