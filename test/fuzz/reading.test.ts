import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { compareTrees } from '../../src/core/reading/compare-trees.ts';
import { exportLayer } from '../../src/core/reading/export-layer.ts';
import { exportTar } from '../../src/core/reading/export-tar.ts';
import { damage, FUZZED_SHAPES, makeFuzzedImage } from '../helpers/ext4-fuzz.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools } from '../helpers/tools.ts';

const hasTools = requireTools('mke2fs', 'debugfs');
const RUNS = Number(process.env['BLOCKLOOM_FUZZ'] ?? 60);
/** A file may claim any size; what is made of its data ends here. */
const PIECES_MAX = 100_000;

describe.skipIf(!hasTools)('exports and comparisons', () => {
  it.each(FUZZED_SHAPES)('of damaged images of %s end, or say what is wrong', (_, options) => {
    const image = makeFuzzedImage(scratch(), options);
    const good = new Filesystem(memoryDevice(image.bytes.slice()));
    for (let seed = 0; seed < RUNS; seed++) {
      const { damaged, undo } = damage(image, seed);
      const warn = (): void => undefined;
      const works = [
        (filesystem: Filesystem) => exportTar(filesystem, filesystem.root, '', { warn }),
        (filesystem: Filesystem) => exportLayer(good, filesystem, { warn }),
        (filesystem: Filesystem) => compareTrees(filesystem, good),
      ];
      for (const work of works)
        expect(() => drain(() => work(new Filesystem(memoryDevice(damaged)))), `seed ${seed}`).not.toThrow();
      undo();
    }
  });
});

/** Takes everything; an ImageError is an end as good as any. */
function drain(work: () => Iterable<unknown>): void {
  try {
    let count = 0;
    for (const _ of work()) if (++count === PIECES_MAX) return;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
  }
}
