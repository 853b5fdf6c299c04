import { readdirSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Lock } from '../../../src/core/lock/lock.ts';
import { lockImage, openLockedImage } from '../../../src/image/locked-image.ts';
import { openLayeredImage, type OpenImageOptions } from '../../../src/image/open-image.ts';
import { hashImage } from '../../../src/sinks/digest.ts';
import { json, writeBlob, writeImageBlobs, writeIndex } from '../../helpers/oci-layout.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;
const TAR = makeTar([{ name: 'a', data: 'content' }]);

async function lockOf(options: OpenImageOptions): Promise<Lock> {
  const opened = await openLayeredImage(options);
  try {
    return await lockImage(opened, options, await hashImage(opened.image));
  } finally {
    opened.image.close();
  }
}

async function differencesOf(...args: Parameters<typeof openLockedImage>): Promise<readonly string[]> {
  const locked = await openLockedImage(...args);
  if ('differences' in locked) return locked.differences;
  locked.opened.image.close();
  return [];
}

describe('the image of a lock', () => {
  it('is one of the same platform, whatever the host', async () => {
    const directory = scratch();
    const architectures = ['amd64', 'arm64'];
    const manifests = architectures.map((architecture) => {
      const layer = makeTar([{ name: architecture }]);
      const platform = { os: 'linux', architecture };
      return { ...writeImageBlobs(directory, { layers: [layer], platform }), platform };
    });
    const type = 'application/vnd.oci.image.index.v1+json';
    writeIndex(directory, [writeIndexBlob(directory, type, manifests)]);
    const other = arch() === 'x64' ? 'arm64' : 'amd64';
    const layers = [`oci:${directory}`];
    const lock = await lockOf({ layers, cache: false, platform: `linux/${other}` });
    expect(lock.references[0]?.platform).toBe(`linux/${other}`);
    expect(await differencesOf(lock, { layers, cache: false })).toEqual([]);
    expect(await differencesOf(lock, { cache: false })).toEqual([]);
  });

  it('leaves nothing open when it is another, and all when it is the same', async () => {
    const path = join(scratch(), 'a.tar');
    writeFileSync(path, TAR);
    const lock = await lockOf({ layers: [path], cache: false });
    const before = openFiles();
    expect(await differencesOf(lock, { cache: false, label: 'x' })).toEqual(['option label: "x", locked ""']);
    expect(openFiles()).toBe(before);
    const tree = { ...lock, result: { ...lock.result, tree: `sha256:${'0'.repeat(64)}` } };
    expect(await differencesOf(tree, { cache: false })).toHaveLength(1);
    expect(openFiles()).toBe(before);
    const locked = await openLockedImage(lock, { cache: false });
    expect('opened' in locked && (await hashImage(locked.opened.image))).toBe(lock.result.sha256);
    if ('opened' in locked) locked.opened.image.close();
    expect(openFiles()).toBe(before);
  });
});

function writeIndexBlob(directory: string, mediaType: string, manifests: readonly object[]): object {
  return writeBlob(directory, mediaType, json({ schemaVersion: 2, mediaType, manifests }));
}
