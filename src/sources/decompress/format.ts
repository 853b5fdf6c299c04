/** What a layer's file is, told by its first bytes. */
export type Format = 'tar' | 'gzip' | 'zstd' | 'xz' | 'empty' | UnsupportedFormat | 'unknown';
type UnsupportedFormat = keyof typeof REMEDIES;

/** What can be done with what is told and not read. */
export const REMEDIES = {
  bzip2: 'decompress it first',
  lz4: 'decompress it first',
  lzip: 'decompress it first',
  compress: 'decompress it first',
  zip: 'unpack it, and give the directory',
  '7z': 'unpack it, and give the directory',
  rar: 'unpack it, and give the directory',
  ar: 'unpack it (dpkg-deb -x, ar x), and give the directory',
  cpio: 'unpack it, and give the directory',
  rpm: 'unpack it (rpm2cpio), and give the directory',
  squashfs: 'unsquashfs it, and give the directory',
  qcow2: 'qemu-img convert -O raw makes a plain image of it, and blockloom export a tar of that',
} as const;

/** How many of the first bytes formatOf looks at. */
export const FORMAT_BYTES = 512;

const CHECKSUM_OFFSET = 148;
const CHECKSUM_LENGTH = 8;

const MAGICS: readonly (readonly [Format, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ['lzip', [0x4c, 0x5a, 0x49, 0x50]],
  ['compress', [0x1f, 0x9d]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['rar', [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]],
  ['ar', [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e, 0x0a]],
  ['cpio', [0x30, 0x37, 0x30, 0x37, 0x30]],
  ['rpm', [0xed, 0xab, 0xee, 0xdb]],
  ['squashfs', [0x68, 0x73, 0x71, 0x73]],
  ['qcow2', [0x51, 0x46, 0x49, 0xfb]],
];

/** Tells the format from the first FORMAT_BYTES bytes, or all where there are fewer. A tar may begin with any name, so it is asked first. */
export function formatOf(head: Uint8Array): Format {
  if (head.length === 0) return 'empty';
  if (head.length >= FORMAT_BYTES && looksLikeTar(head)) return 'tar';
  const magic = MAGICS.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (magic !== undefined) return magic[0];
  return isSkippableFrame(head) ? 'zstd' : 'unknown';
}

/** A block of zeros, which ends a tar, or a header whose sum (unsigned or signed) is the one it says. */
function looksLikeTar(head: Uint8Array): boolean {
  let unsigned = CHECKSUM_LENGTH * 0x20;
  let signed = unsigned;
  let isZero = true;
  for (let i = 0; i < FORMAT_BYTES; i++) {
    const byte = head[i] ?? 0;
    if (byte !== 0) isZero = false;
    if (i >= CHECKSUM_OFFSET && i < CHECKSUM_OFFSET + CHECKSUM_LENGTH) continue;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const stored = storedChecksum(head);
  return isZero || stored === unsigned || stored === signed;
}

function storedChecksum(head: Uint8Array): number | undefined {
  const text = String.fromCharCode(...head.subarray(CHECKSUM_OFFSET, CHECKSUM_OFFSET + CHECKSUM_LENGTH));
  const digits = /^[ \0]*([0-7]+)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** RFC 8878, 3.1.2: the magic numbers 0x184D2A50 to 0x184D2A5F. */
function isSkippableFrame(head: Uint8Array): boolean {
  return ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
}
