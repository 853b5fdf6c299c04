import { openSync, readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { output, startBlockloom } from '../helpers/cli.ts';
import { debianSystem } from '../helpers/debian-system.ts';
import { Dialogue } from '../helpers/dialogue.ts';
import { firmwareMachine, kernelMachine, machineTools, PATIENCE } from '../helpers/firmware.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { debugfs, e2fsck, requireTools, run, skipped } from '../helpers/tools.ts';

const TOOLS = ['root', 'debootstrap', 'apt-get', 'e2fsck', 'debugfs', 'sgdisk', 'unshare'];
const SYSTEMD = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';
const isReady =
  !skipped(process.arch !== 'x64', 'the system that boots is for amd64') &&
  requireTools(SYSTEMD, ...machineTools('amd64'), ...TOOLS);

/** The first run of a day makes the system. In milliseconds. */
const TIMEOUT = 900_000;

interface Definition {
  readonly layers: readonly unknown[];
  readonly boot: object;
}

/** The definition that docs/disks.md tells people to write for a Debian system. */
function documented(): Definition {
  const page = readFileSync(join(import.meta.dirname, '../../docs/disks.md'), 'utf8');
  const blocks = Array.from(page.matchAll(/```yaml\n([^]*?)```/g), ([, block = '']) => block);
  return parse(blocks.find((block) => block.includes('machine-id')) ?? '') as Definition;
}

/** A folder with the system and its definition, of which some is otherwise. */
function bootFolder(changes: object = {}): string {
  const folder = scratch();
  symlinkSync(debianSystem().tar, join(folder, 'rootfs.tar'));
  writeFileSync(join(folder, 'image.json'), JSON.stringify({ ...documented(), ...changes }));
  return folder;
}

/** Where the root filesystem is in a file of a disk, as e2fsprogs take it. */
function rootOf(disk: string): string {
  const [, sector] = /^First sector: (\d+)/m.exec(run('sgdisk', ['-i', '2', disk]).toString()) ?? [];
  return `${disk}?offset=${512 * Number(sector)}`;
}

/** Waits for the shell of somebody who is logged in, of a system that started all that it should. */
async function loggedIn(machine: Dialogue): Promise<void> {
  await machine.says(/login: root \(automatic login\)[^]*# /);
  expect(await machine.answer('systemctl is-system-running --wait')).toContain('running\n');
}

async function powersOff(machine: Dialogue): Promise<void> {
  machine.tell('systemctl poweroff');
  await machine.says(/reboot: Power down/);
  expect(await machine.ended()).toBe(0);
}

const ROOT = 'grep " / " /proc/mounts';

describe.skipIf(!isReady)('a Debian system with the initrd that its kernel package made', { timeout: TIMEOUT }, () => {
  it('boots from the file of a disk that nobody writes to', async () => {
    const folder = bootFolder();
    output(['build', '-f', 'image.json', '-o', 'disk.img'], { cwd: folder });
    const machine = firmwareMachine(`file=${join(folder, 'disk.img')},readonly=on`);
    await loggedIn(machine);
    expect(await machine.answer(ROOT)).toContain('/dev/vda2 / ext4 ro,');
    expect(await machine.answer('dpkg --verify; cat /etc/machine-id')).toMatch(/^[0-9a-f]{32}\n/m);
    await powersOff(machine);
  });

  it('boots from a disk that is served, and what it writes there is kept in a clean filesystem', async () => {
    const folder = bootFolder({ boot: { loader: 'uki', cmdline: 'console=ttyS0 rw' } });
    const written = ['-f', 'image.json', '--journal', '--delta', 'delta'];
    const server = await startServe([...written, '--socket', 'socket'], folder);
    const machine = firmwareMachine(`file.driver=nbd,file.server.type=unix,file.server.path=${join(folder, 'socket')}`);
    await loggedIn(machine);
    expect(await machine.answer(ROOT)).toContain('/dev/vda2 / ext4 rw,');
    await machine.answer('echo kept >/root/kept');
    await powersOff(machine);
    server.process.kill('SIGTERM');
    await server.ended;
    output(['commit', ...written, '-o', 'disk.img'], { cwd: folder });
    const root = rootOf(join(folder, 'disk.img'));
    e2fsck(root);
    expect(debugfs(root, 'cat /root/kept')).toBe('kept\n');
  });

  it('boots in run without a disk around it', async () => {
    const folder = bootFolder();
    const args = ['--accel', 'tcg', '--console', 'pipes', '--journal', '--writable', '--initrd', debianSystem().initrd];
    const child = startBlockloom(['run', '-f', 'image.json', ...args], { cwd: folder });
    const machine = new Dialogue(child, PATIENCE);
    await loggedIn(machine);
    expect(await machine.answer(ROOT)).toContain('/dev/vda / ext4 rw,');
    await powersOff(machine);
  });
});

describe.skipIf(!isReady)(
  'a Debian system whose root is verified, with an initrd of dracut',
  { timeout: TIMEOUT },
  () => {
    /** A folder with the disk, of which one byte of /srv/victim is changed, and the root hash. */
    function flipped(): { readonly disk: string; readonly rootHash: string } {
      const { layers } = documented();
      const { release, dracutInitrd } = debianSystem();
      const files = {
        [`/boot/initrd.img-${release}`]: { file: dracutInitrd },
        '/srv/victim': { text: 'b'.repeat(100_000) },
      };
      const folder = bootFolder({ layers: [...layers, { files }], verity: true });
      const told = JSON.parse(output(['build', '-f', 'image.json', '-o', 'disk.img', '--json'], { cwd: folder })) as {
        readonly verity: { readonly rootHash: string };
      };
      const disk = join(folder, 'disk.img');
      const at = readFileSync(disk).indexOf('b'.repeat(50_000)) + 50_000;
      writeSync(openSync(disk, 'r+'), 'c', at);
      return { disk, rootHash: told.verity.rootHash };
    }

    const READ_VICTIM = 'cat /srv/victim >/dev/null';
    const REFUSED = '/srv/victim: Input/output error';
    const VERIFIED = '/dev/mapper/root / ext4 ro,';

    it('boots and reads no changed byte', async () => {
      const machine = firmwareMachine(`file=${flipped().disk},readonly=on`);
      await loggedIn(machine);
      expect(await machine.answer(ROOT)).toContain(VERIFIED);
      expect(await machine.answer(READ_VICTIM)).toContain(REFUSED);
      await powersOff(machine);
    });

    it('is found by the root hash alone', async () => {
      const { disk, rootHash } = flipped();
      const { kernel, dracutInitrd } = debianSystem();
      const told = `console=ttyS0 roothash=${rootHash} init=/bin/sh`;
      const machine = kernelMachine(`file=${disk},readonly=on`, kernel, dracutInitrd, told);
      await machine.says(/# $/);
      expect(await machine.answer(`mount -t proc proc /proc; ${ROOT}`)).toContain(VERIFIED);
      expect(await machine.answer(READ_VICTIM)).toContain(REFUSED);
    });
  },
);
