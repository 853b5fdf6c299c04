import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launchSolo5Virtio } from '../../src/core/launch/solo5.ts';
import { MAIN, output } from '../helpers/cli.ts';
import { makeUnikernel } from '../helpers/elf-writer.ts';
import { LAUNCH, oneDisk } from '../helpers/launch-options.ts';
import { makeMultibootKernel } from '../helpers/multiboot.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const SECTOR = 512;

/** A number of bytes as the kernel prints it. */
const sectors = (bytes: number): string => (bytes / SECTOR).toString(16).padStart(8, '0');

/** Runs the script of `blockloom attach ARGS`, and returns what its guest says. */
function attach(args: readonly string[], cwd: string): string[] {
  const command = join(cwd, 'blockloom');
  writeFileSync(command, `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`);
  chmodSync(command, 0o755);
  const script = output(['attach', ...args, '--accel', 'tcg'], { cwd });
  return linesOf(run('sh', ['-c', `PATH=${cwd}:$PATH\n${script}`], { cwd }));
}

/** What `blockloom attach ARGS --exec` starts says, which may be a program of the directory. */
function execute(args: readonly string[], cwd: string): string[] {
  const env = { PATH: `${cwd}:${process.env['PATH'] ?? ''}` };
  return linesOf(Buffer.from(output(['attach', ...args, '--exec'], { cwd, env })));
}

/** What a guest prints; before it the server says where it is, and the build what it has built. */
const linesOf = (printed: Buffer): string[] =>
  printed
    .toString()
    .replaceAll('\r', '')
    .trim()
    .split('\n')
    .filter((line) => !/^(?:nbd\+unix:|[\da-f]{64} )/.test(line));

describe.skipIf(!requireTools('as', 'ld', 'qemu-system-x86_64'))('QEMU gives a kernel in place of a unikernel', () => {
  it.each(['nbd', 'file'])('the disk of an image and what Rumprun is told of it, attached as %s', (way) => {
    const directory = scratch();
    const kernel = makeMultibootKernel(directory);
    writeFileSync(join(directory, 'base.tar'), makeTar([{ name: 'a', data: 'a' }]));
    writeFileSync(
      join(directory, 'app.json'),
      '{"blk":{"source":"blockloom","path":"base.tar","mountpoint":"/data",},"env":"A=b,c","cmdline":"app",}',
    );
    const image = ['--fs', 'ext2', '--size', '4M'];
    const guest = ['--vmm', 'rumprun', '--kernel', kernel, '--config', 'app.json', '--writable', '--as', way];
    expect(attach([...image, ...guest], directory)).toEqual([
      `${kernel} {"blk":{"source":"dev","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"},"env":"A=b,c","cmdline":"app"}`,
      sectors(4 << 20),
    ]);
  });

  it('the disks of all images that a configuration of Rumprun names', () => {
    const directory = scratch();
    const kernel = makeMultibootKernel(directory);
    for (const [name, bytes] of [
      ['a', 100],
      ['b', 1 << 20],
    ] as const)
      writeFileSync(join(directory, `${name}.tar`), makeTar([{ name, data: Buffer.alloc(bytes) }]));
    const blocks = ['a', 'b'].map(
      (name) => `"blk":{"source":"blockloom","path":"${name}.tar","mountpoint":"/${name}"}`,
    );
    writeFileSync(join(directory, 'app.json'), `{${blocks.join(',')}}`);
    const image = ['--fs', 'ext2'];
    const sizes = ['a', 'b'].map((name) => {
      const printed = output(['measure', `${name}.tar`, ...image, '--json'], { cwd: directory });
      return (JSON.parse(printed) as { size: number }).size;
    });
    const guest = ['--vmm', 'rumprun', '--kernel', kernel, '--config', 'app.json', '--writable'];
    expect(attach([...image, ...guest], directory).slice(1)).toEqual(sizes.map(sectors));
    expect(sizes[0]).not.toBe(sizes[1]);
  });

  it("the disks of a Solo5 unikernel, in its manifest's order", () => {
    const directory = scratch();
    const kernel = makeMultibootKernel(directory);
    const blocks = [1, 2, 3].map((mebibytes) => {
      const path = join(directory, `${mebibytes}.img`);
      writeFileSync(path, Buffer.alloc(mebibytes << 20));
      return { name: `b${mebibytes}`, path, size: mebibytes << 20 };
    });
    const [first, second, image] = blocks;
    const devices = [image!, first!, second!].map(({ name }) => ({ name, type: 'BLOCK_BASIC' as const }));
    const { argv } = launchSolo5Virtio({
      ...LAUNCH,
      kernel,
      disks: oneDisk({ as: 'file', path: image!.path }),
      unikernel: { manifest: { devices }, target: 'virtio', abiVersion: 1 },
      blocks: [second!, first!],
      append: 'x, y',
    });
    const [program = '', ...words] = argv;
    expect(linesOf(run(program, words))).toEqual([
      `${kernel} x, y`,
      sectors(3 << 20),
      sectors(1 << 20),
      sectors(2 << 20),
    ]);
  });
});

/** In place of a tender of Solo5: says what it is given, and opens the files as tenders do, for reading and writing. */
const TENDER = `#!/bin/sh
for word; do
  case $word in
    --block:*) file=\${word#*=}; exec 3<>"$file"; stat -c "\${word%%=*} %s" "$file"; head -c 8 <&3; echo; printf x >&3; exec 3>&- ;;
    *) echo "$word" ;;
  esac
done
`;

describe.skipIf(!requireTools('root', 'qemu-storage-daemon'))('attach gives a tender in place of Solo5', () => {
  it.each([
    ['its script', attach],
    ['--exec', execute],
  ])('a file that it can write to for each device that the unikernel asks for, by %s', (_, start) => {
    const directory = scratch();
    const devices = ['storage', 'logs'].map((name) => ({ name, type: 'BLOCK_BASIC' as const }));
    writeFileSync(join(directory, 'app.hvt'), makeUnikernel({ manifest: { devices }, target: 'hvt', abiVersion: 2 }));
    writeFileSync(join(directory, 'base.tar'), makeTar([{ name: 'greeting', data: 'a' }]));
    writeFileSync(join(directory, 'logs.img'), Buffer.alloc(1024, 'l'));
    writeFileSync(join(directory, 'solo5-hvt'), TENDER, { mode: 0o755 });
    const guest = ['--vmm', 'solo5-hvt', '--kernel', 'app.hvt', '--block', 'logs=logs.img', '--writable'];
    const size = output(['measure', 'base.tar', '--fs', 'tar', '--json'], { cwd: directory });
    expect(start(['base.tar', '--fs', 'tar', ...guest], directory)).toEqual([
      '--mem=512',
      `--block:storage ${(JSON.parse(size) as { size: number }).size}`,
      'greeting',
      '--block:logs 1024',
      'llllllll',
      '--',
      'app.hvt',
    ]);
    expect(readFileSync(join(directory, 'logs.img'), 'latin1').slice(0, 10)).toBe('llllllllxl');
  });
});
