export { crc32c } from './host/crc32c.ts';
export { dirHash, dirHashes } from './host/dirhash.ts';
export { type DirHash, HashVersion } from './host/version.ts';
