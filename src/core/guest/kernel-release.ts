import { byteString } from '../bytes.ts';

/** Fields of the header of a kernel for x86. https://docs.kernel.org/arch/x86/boot.html */
const HEADER_MAGIC_OFFSET = 0x202;
const HEADER_MAGIC = 'HdrS';
const KERNEL_VERSION_OFFSET = 0x20e;
const KERNEL_VERSION_BASE = 0x200;
/** "Linux version RELEASE (…" stands in every kernel that is not compressed. */
const BANNER = 'Linux version ';
const RELEASE_LENGTH_MAX = 128;

/** The release of a kernel by its own bytes: a bzImage's header, or the banner of one that is not compressed; undefined where neither tells. */
export function kernelRelease(kernel: Uint8Array): string | undefined {
  const magic = byteString(kernel.subarray(HEADER_MAGIC_OFFSET, HEADER_MAGIC_OFFSET + HEADER_MAGIC.length));
  if (magic === HEADER_MAGIC && kernel.length >= KERNEL_VERSION_OFFSET + 2) {
    const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
    const at = KERNEL_VERSION_BASE + view.getUint16(KERNEL_VERSION_OFFSET, true);
    return releaseAt(kernel, at);
  }
  const banner = indexOf(kernel, new TextEncoder().encode(BANNER));
  return banner < 0 ? undefined : releaseAt(kernel, banner + BANNER.length);
}

function releaseAt(kernel: Uint8Array, at: number): string | undefined {
  return /^[A-Za-z0-9][\w.+~-]*(?=[ \0])/.exec(byteString(kernel.subarray(at, at + RELEASE_LENGTH_MAX)))?.[0];
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
