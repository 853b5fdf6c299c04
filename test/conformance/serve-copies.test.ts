import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CASES } from '../../golden-images/cases.ts';
import { openImage } from '../../src/image/open-image.ts';
import { writeSparse } from '../helpers/image-case.ts';
import { compareCopies } from '../helpers/live-copies.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools } from '../helpers/tools.ts';

const GOLDEN = join(import.meta.dirname, '../../golden-images');

describe.skipIf(!requireTools('nbdcopy', 'qemu-img', 'cmp'))('every way of serving', () => {
  it.each([...CASES])('gives the golden image %s', async (name, { layers, options, disk }) => {
    const folder = scratch();
    const tars = layers.map((entries, i) => {
      const tar = join(folder, `${i}.tar`);
      writeFileSync(tar, makeTar(entries));
      return tar;
    });
    const image = await openImage({ ...options, disk, layers: tars, cache: false });
    onTestFinished(() => image.close());
    const path = join(folder, 'image.ext4');
    writeSparse(image, path);
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(`${sha256}\n`).toBe(readFileSync(join(GOLDEN, name, 'image.sha256'), 'utf8'));
    await compareCopies(image, path);
  });
});
