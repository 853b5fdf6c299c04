import { preadSync } from './pread.ts';

/** Where disks and filesystems say what they are. */
const SIGNATURES: readonly { readonly offset: number; readonly bytes: string; readonly what: string }[] = [
  {
    offset: 1024 + 0x38,
    bytes: '\x53\xef',
    what: 'an ext2, ext3 or ext4 filesystem, of which blockloom export makes a tar',
  },
  { offset: 32_769, bytes: 'CD001', what: 'an ISO 9660 filesystem, which a directory can be made of' },
  { offset: 510, bytes: '\x55\xaa', what: 'a disk or a FAT filesystem, of which blockloom export makes a tar' },
];

/** What a file that is no tar is the image of, and what to do with it; undefined for anything else. */
export function diskSignature(fd: number): string | undefined {
  const found = SIGNATURES.find(({ offset, bytes }) => {
    const target = Buffer.alloc(bytes.length);
    preadSync(fd, target, offset);
    return target.toString('latin1') === bytes;
  });
  return found?.what;
}
