import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recipe } from '../../golden-images/root-filesystem/recipe.ts';
import { output } from '../helpers/cli.ts';
import { fuseDisk } from '../helpers/fuse.ts';
import { differences } from '../helpers/model-differences.ts';
import { modelOf } from '../helpers/model.ts';
import { mountImage } from '../helpers/mount.ts';
import { toolOutput } from '../helpers/nbd-tools.ts';
import { scratch } from '../helpers/scratch.ts';
import { type Served, startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools } from '../helpers/tools.ts';

/** A system's tree, served; and the image that would be built of it. */
async function serveSystem(): Promise<Served & { socket: string; image: string; size: number; sha256: string }> {
  const folder = scratch();
  const layers = recipe.layers.map((entries, i) => {
    writeFileSync(join(folder, `${i}.tar`), makeTar(entries));
    return `${i}.tar`;
  });
  const socket = join(folder, 'disk.sock');
  const server = await startServe([...layers, '--mtime', 'keep', '--socket', socket], folder);
  const image = join(folder, 'disk.img');
  output(['build', ...layers, '--mtime', 'keep', '-o', image], { cwd: folder });
  return { ...server, socket, image, size: statSync(image).size, sha256: sha256Of(image) };
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** The kernel's view of a disk that FUSE shows, against the model of the layers. */
function expectTree(disk: string): void {
  expect(differences(modelOf(recipe.layers), mountImage(disk), 4096)).toEqual([]);
}

describe.skipIf(!requireTools('root', 'nbdfuse', 'qemu-storage-daemon', 'getfattr'))('a served disk', () => {
  it('is a tree as the layers say, mounted through nbdfuse and a loop device', async () => {
    const { uri, size } = await serveSystem();
    expectTree(await fuseDisk(size, (path) => ['nbdfuse', '--readonly', path, uri]));
  });

  it("is the same through QEMU's storage daemon", async () => {
    const { socket, size, sha256 } = await serveSystem();
    const node = `driver=nbd,node-name=disk,server.type=unix,server.path=${socket},read-only=on`;
    const disk = await fuseDisk(size, (path) => {
      const offer = `type=fuse,id=fuse,node-name=disk,mountpoint=${path},writable=off`;
      return ['qemu-storage-daemon', '--blockdev', node, '--export', offer];
    });
    expect(sha256Of(disk)).toBe(sha256);
    expectTree(disk);
  });
});

describe.skipIf(!requireTools('nbdkit', 'nbdcopy'))("nbdkit's nbd plugin", () => {
  it('puts filters on a served disk', async () => {
    const { uri, image, sha256 } = await serveSystem();
    const folder = scratch();
    const through = async (filters: readonly string[], command: string, ...parameters: string[]): Promise<void> => {
      const named = filters.map((filter) => `--filter=${filter}`);
      await toolOutput('nbdkit', ['-U', '-', ...named, 'nbd', `uri=${uri}`, ...parameters, '--run', command]);
    };
    const [copy, statistics] = [join(folder, 'copy'), join(folder, 'statistics')];
    await through(['stats', 'cow'], `nbdcopy "$uri" ${copy}`, `statsfile=${statistics}`);
    expect(sha256Of(copy)).toBe(sha256);
    expect(readFileSync(statistics, 'utf8')).toMatch(/^read: /m);
    // It lets through only writes of what is there already.
    await through(['checkwrite'], `nbdcopy ${image} "$uri"`);
    const other = join(folder, 'other');
    writeFileSync(other, readFileSync(image).fill(0xa5, 5000, 5001));
    await expect(through(['checkwrite'], `nbdcopy ${other} "$uri"`)).rejects.toThrow(/Input\/output error/);
    await expect(through(['error'], `nbdcopy "$uri" ${copy}`, 'error-pread-rate=100%')).rejects.toThrow(/pread/);
  });
});
