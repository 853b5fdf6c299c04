import type { Recipe } from '../recipe.ts';

/** Every kind of whiteout, before and after what it stands beside. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'gone', data: 'lower' },
      { name: 'replaced', data: 'lower' },
      { name: 'replaced-later', data: 'lower' },
      { name: 'tree/a/b', data: 'lower' },
      { name: 'tree/c', data: 'lower' },
      { name: 'kept/', mode: 0o700, uid: 5 },
      { name: 'kept/lower', data: 'lower' },
      { name: 'opaque-first/', mode: 0o711 },
      { name: 'opaque-first/lower', data: 'lower' },
      { name: 'opaque-first/sub/lower', data: 'lower' },
      { name: 'opaque-last/', mode: 0o711 },
      { name: 'opaque-last/lower', data: 'lower' },
      { name: 'opaque-last/sub/', mode: 0o700 },
      { name: 'opaque-last/sub/lower', data: 'lower' },
      { name: 'usr/lib/foo', data: 'lower' },
      { name: 'lib', type: 'symlink', mode: 0o777, linkName: 'usr/lib' },
    ],
    [
      { name: '.wh.gone' },
      { name: '.wh.absent' },
      { name: '.wh.replaced' },
      { name: 'replaced', data: 'upper' },
      { name: 'replaced-later', data: 'upper' },
      { name: '.wh.replaced-later' },
      { name: 'tree/.wh.a' },
      { name: 'kept/upper', data: 'upper' },
      { name: '.wh.kept' },
      { name: 'opaque-first/.wh..wh..opq' },
      { name: 'opaque-first/sub/upper', data: 'upper' },
      { name: 'opaque-last/sub/upper', data: 'upper' },
      { name: 'opaque-last/.wh..wh..opq' },
      { name: 'lib/.wh.foo' },
      { name: '.wh..wh.plnk/17.42', data: 'of aufs' },
    ],
  ],
};
