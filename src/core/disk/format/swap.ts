import { bytes, struct, u32 } from '../../struct.ts';

/** What swapon counts in, in bytes: the page of x86-64 and of almost every arm64. */
export const SWAP_PAGE_SIZE = 4096;

/** union swap_header, one page. include/linux/swap.h */
export const SwapHeader = struct('swap_header', SWAP_PAGE_SIZE, {
  bootbits: bytes(0x000, 1024),
  version: u32(0x400),
  last_page: u32(0x404),
  nr_badpages: u32(0x408),
  sws_uuid: bytes(0x40c, 16),
  sws_volume: bytes(0x41c, 16),
  magic: bytes(SWAP_PAGE_SIZE - 10, 10),
});

/** magic. */
export const SWAP_MAGIC = 'SWAPSPACE2';
export const SWAP_VERSION = 1;
/** The fewest pages that mkswap takes, the header's included. */
export const SWAP_PAGES_MIN = 10;
