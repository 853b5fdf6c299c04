import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mapRows, openLayeredImage, verityParameters, writeImage } from '../src/index.ts';
import { makeTar } from '../test/helpers/tar-writer.ts';
import { dump, dumpKindOf, hasDumpTools } from './dump.ts';
import type { Recipe } from './recipe.ts';

/** The texts that a golden image is kept as, by file name. `dump.txt` is missing where its tools are. */
export type Golden = ReadonlyMap<string, string>;

/** Makes an image and everything that is kept of it. */
export async function makeGolden(recipe: Recipe): Promise<Golden> {
  const { layers, options, disk } = recipe;
  const folder = mkdtempSync(join(tmpdir(), 'blockloom-golden-'));
  try {
    const paths = layers.map((entries, i) => {
      const path = join(folder, `${i}.tar`);
      writeFileSync(path, makeTar(entries));
      return path;
    });
    const file = join(folder, 'image');
    const { image, verity } = await openLayeredImage({ ...options, disk, layers: paths, cache: false });
    try {
      const { sha256 } = await writeImage(image, file);
      const rows = Array.from(mapRows(image.plan), (row) => JSON.stringify(row));
      const golden = new Map([
        ['image.sha256', `${sha256}\n`],
        ['map.json', `[\n${rows.join(',\n')}\n]\n`],
      ]);
      if (verity !== undefined) golden.set('verity.json', `${JSON.stringify(verityParameters(verity), null, 2)}\n`);
      const kind = dumpKindOf(recipe);
      return hasDumpTools(kind) ? golden.set('dump.txt', dump(file, folder, kind)) : golden;
    } finally {
      image.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
