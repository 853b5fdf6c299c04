import { openImage } from '../src/index.ts';

/** Prints the first block of the image of a layer: `first-block.js LAYER [CACHE]`. */
const [, , layer = '', cache] = process.argv;
const image = await openImage({ layers: [layer], cache: cache ?? false });
const block = new Uint8Array(4096);
image.read(0, block);
process.stdout.write(block);
image.close();
