/** What a name says about lower layers. https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
export type Whiteout = 'none' | 'opaque' | 'name' | 'ignored' | 'invalid';

/** The length of `.wh.`. */
export const WHITEOUT_PREFIX_LENGTH = 4;

const PREFIX = [0x2e, 0x77, 0x68, 0x2e];
const OPAQUE = [...PREFIX, ...PREFIX, 0x2e, 0x6f, 0x70, 0x71];

/** Whether the name between `start` and `end` of a path begins as a whiteout's. */
export function isWhiteoutAt(path: Uint8Array, start: number, end: number): boolean {
  return end - start >= WHITEOUT_PREFIX_LENGTH && startsWith(path, PREFIX, start);
}

/** `.wh..wh..opq` is opaque, aufs' other `.wh..wh.*` are ignored, `.wh.`, `.wh..` and `.wh...` are invalid, `.wh.NAME` hides NAME. */
export function whiteoutOf(name: Uint8Array): Whiteout {
  if (!startsWith(name, PREFIX, 0)) return 'none';
  if (startsWith(name, PREFIX, WHITEOUT_PREFIX_LENGTH)) {
    return name.length === OPAQUE.length && startsWith(name, OPAQUE, 0) ? 'opaque' : 'ignored';
  }
  const hidden = name.subarray(WHITEOUT_PREFIX_LENGTH);
  return hidden.length <= 2 && hidden.every((byte) => byte === 0x2e) ? 'invalid' : 'name';
}

function startsWith(name: Uint8Array, prefix: readonly number[], at: number): boolean {
  for (let i = 0; i < prefix.length; i++) if (name[at + i] !== prefix[i]) return false;
  return true;
}
