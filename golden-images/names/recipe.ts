import { utf8ByteString } from '../../src/core/bytes.ts';
import type { Recipe } from '../recipe.ts';

/** Names that are not text, as long as they get, and spelled in every way. */
export const recipe: Recipe = {
  layers: [
    [
      { name: '\xff'.repeat(255), data: '255 bytes of 0xff' },
      { name: '\xfe\x80 not UTF-8', data: '1' },
      { name: 'a\nnewline', data: '2' },
      { name: ' leading and trailing ', data: '3' },
      { name: utf8ByteString('Ünïcode ☃'), data: '4' },
      { name: utf8ByteString('U\u0308nicode, decomposed'), data: '5' },
      { name: './dot/./inner//file', data: '6' },
      { name: '/absolute/file', data: '7' },
      { name: 'up/../beside', data: '8' },
      { name: `${'long/'.repeat(60)}file`, data: '9', format: 'gnu' },
      { name: '\\backslash', data: '10' },
      { name: 'link', type: 'symlink', mode: 0o777, linkName: '\xff\xfe/..//./x' },
    ],
  ],
};
