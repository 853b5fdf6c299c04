import { fillTables } from './crc32c';

export { crc32c } from './crc32c';
export { dirHashes } from './dirhash';
export { ENDS, HASHES, INPUT, INPUT_LENGTH, NAMES_MAX } from './memory';

fillTables();
