import { bytesOf } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { bytesSource } from '../plan/bytes-source.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { viewOf } from '../struct.ts';
import { SWAP_MAGIC, SWAP_PAGE_SIZE, SWAP_PAGES_MIN, SWAP_VERSION, SwapHeader } from './format/swap.ts';

/** A swap area of `size` bytes as mkswap makes it; `uuid` is 16 bytes, the label at most 16 bytes of UTF-8. Throws `option-invalid`. */
export function planSwap(size: number, uuid: Uint8Array, label = ''): Plan {
  const name = new TextEncoder().encode(label);
  if (size % SWAP_PAGE_SIZE !== 0 || size < SWAP_PAGES_MIN * SWAP_PAGE_SIZE) {
    const what = `a swap area of ${size} bytes: a multiple of ${SWAP_PAGE_SIZE}, ${SWAP_PAGES_MIN * SWAP_PAGE_SIZE} or more`;
    throw new ImageError('option-invalid', what);
  }
  if (name.length > SwapHeader.fields.sws_volume.size) {
    throw new ImageError('option-invalid', `a swap label of ${name.length} bytes: at most 16`);
  }
  const header = new Uint8Array(SWAP_PAGE_SIZE);
  SwapHeader.write(viewOf(header), 0, {
    version: SWAP_VERSION,
    last_page: size / SWAP_PAGE_SIZE - 1,
    sws_uuid: uuid,
    sws_volume: name,
    magic: bytesOf(SWAP_MAGIC),
  });
  const builder = new RegionsBuilder();
  builder.bytes(0, header.length, 0);
  builder.zeroTo(size);
  return { size, regions: builder.finish(), bytes: [bytesSource(header, 'swap header')], label: () => 'swap pages' };
}
