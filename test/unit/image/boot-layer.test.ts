import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BootOptions } from '../../../src/image/disk-options.ts';
import { openLayeredImage } from '../../../src/image/open-image.ts';
import type { InlineFiles } from '../../../src/sources/inline/inline-files.ts';
import { requireTools, run } from '../../helpers/tools.ts';
import { scratch } from '../../helpers/scratch.ts';

const LAYERS: InlineFiles = {
  '/boot/vmlinuz-6.1.0-9-cloud': { text: 'old kernel' },
  '/boot/vmlinuz-6.1.0-10-cloud': { text: 'kernel' },
  '/boot/initrd.img-6.1.0-10-cloud': { text: 'initrd' },
  '/etc/os-release': { text: 'NAME=Loom\nPRETTY_NAME="Loom 1"\n' },
  '/usr/lib/systemd/boot/efi/systemd-bootx64.efi': { text: 'loader' },
  '/usr/lib/systemd/boot/efi/systemd-bootaa64.efi': { text: 'loader for arm64' },
};

interface Made {
  /** What is at a path of the EFI system partition. */
  readonly read: (path: string) => string;
  readonly root: string;
}

/** Builds a disk, and reads its EFI system partition with mtools. */
async function made(files: InlineFiles, boot: BootOptions, more: object = {}): Promise<Made> {
  const options = { disk: { table: 'gpt' as const, boot }, ...more };
  const { image, disk } = await openLayeredImage({ layers: [{ files }], cache: false, ...options });
  const { start, length } = disk!.partitions[0]!;
  const bytes = new Uint8Array(length);
  image.read(start, bytes);
  image.close();
  const path = join(scratch(), 'esp');
  writeFileSync(path, bytes);
  const read = (name: string): string => run('mtype', ['-i', path, `::${name}`]).toString('latin1');
  return { read, root: disk!.partitions[1]!.partuuid };
}

describe.skipIf(!requireTools('mtype'))('boot of a disk', () => {
  it('takes the newest kernel of the layers, its initrd and their systemd-boot', async () => {
    const { read, root } = await made(LAYERS, { cmdline: 'quiet', timeout: 3 });
    expect(read('/EFI/BOOT/BOOTX64.EFI')).toBe('loader');
    expect(read('/loader/loader.conf')).toBe('default linux-6.1.0-10-cloud.conf\ntimeout 3\n');
    expect(read('/loader/entries/linux-6.1.0-10-cloud.conf').split('\n')).toEqual([
      'title Loom 1',
      'version 6.1.0-10-cloud',
      'linux /linux/6.1.0-10-cloud/linux',
      'initrd /linux/6.1.0-10-cloud/initrd',
      `options root=PARTUUID=${root} ro quiet`,
      '',
    ]);
    expect([read('/linux/6.1.0-10-cloud/linux'), read('/linux/6.1.0-10-cloud/initrd')]).toEqual(['kernel', 'initrd']);
  });

  it('names the partitions of a verified root by its root hash', async () => {
    const { read, root } = await made(LAYERS, { initrd: 'none' }, { verity: true });
    const entry = read('/loader/entries/linux-6.1.0-10-cloud.conf');
    const [, rootHash = '', data] = /roothash=([\da-f]{64}) systemd.verity_root_data=PARTUUID=(\S+) /.exec(entry) ?? [];
    expect([data, rootHash.slice(0, 32)]).toEqual([root, root.replaceAll('-', '')]);
    expect(entry).toMatch(/ root=\/dev\/mapper\/root ro\n$/);
    expect(entry).not.toContain('initrd');
  });

  it('has the names of arm64, and takes files of the host', async () => {
    const folder = join(scratch(), 'host');
    mkdirSync(folder);
    writeFileSync(join(folder, 'kernel'), 'Linux version 6.6.6-arm64 (somebody)');
    writeFileSync(join(folder, 'initrd'), 'of the host');
    const boot = { kernel: join(folder, 'kernel'), initrd: join(folder, 'initrd') };
    const { read } = await made(LAYERS, boot, { platform: 'linux/arm64' });
    expect(read('/EFI/BOOT/BOOTAA64.EFI')).toBe('loader for arm64');
    expect(read('/linux/6.6.6-arm64/initrd')).toBe('of the host');
    const named = await made(LAYERS, { ...boot, release: '7' }, { platform: 'linux/arm64' });
    expect(named.read('/linux/7/initrd')).toBe('of the host');
  });

  it('is planned without a byte of the tree, as long as it will be', async () => {
    const options = { layers: [{ files: LAYERS }], cache: false, verity: true } as const;
    const disk = { table: 'gpt', boot: {} } as const;
    const [planned, whole] = [
      await openLayeredImage({ ...options, disk, planOnly: true }),
      await openLayeredImage({ ...options, disk }),
    ];
    const places = ({ disk: each }: typeof whole): unknown =>
      each?.partitions.map(({ start, length }) => [start, length]);
    expect(places(planned)).toEqual(places(whole));
    for (const { image } of [planned, whole]) image.close();
  });

  it.each([
    ['no kernel in the layers', { '/a': { text: '' } }, {}, {}],
    ['no initrd for 6.1.0 in the layers', { '/boot/vmlinuz-6.1.0': { text: 'x' } }, {}, {}],
    ['kernel: no such file', LAYERS, { kernel: '/nonexistent/kernel' }, {}],
    ['boot on vfat', { '/a': { text: '' } }, {}, { fs: 'vfat' }],
    ['one line of text', LAYERS, { cmdline: 'a\nb' }, {}],
    ['the EFI stub: no EFI application', LAYERS, { loader: 'uki', efi: import.meta.filename }, {}],
    ['boot on a disk with an MBR', LAYERS, {}, { disk: { table: 'mbr', boot: {} } }],
  ] as const)('says that there is %s', async (message, files, boot, more) => {
    await expect(made(files, boot, more)).rejects.toThrow(message);
  });
});
