import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from '../../golden-images/cases.ts';
import { buildCase } from '../helpers/image-case.ts';
import { compareCopies } from '../helpers/live-copies.ts';
import { requireTools } from '../helpers/tools.ts';

const GOLDEN = join(import.meta.dirname, '../../golden-images');

describe.skipIf(!requireTools('nbdcopy', 'qemu-img', 'cmp'))('every way of serving', () => {
  it.each([...CASES])('gives the golden image %s', async (name, { layers, options }) => {
    const { image, path } = await buildCase(layers, options);
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(`${sha256}\n`).toBe(readFileSync(join(GOLDEN, name, 'image.sha256'), 'utf8'));
    await compareCopies(image, path);
  });
});
