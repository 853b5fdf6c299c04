import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Filesystem } from '../../../../src/core/ext4/reader/filesystem.ts';
import { ImageTree } from '../../../../src/core/guest/image-tree.ts';
import { openImage } from '../../../../src/index.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { makeTar } from '../../../helpers/tar-writer.ts';

it('an image is a tree of files whose symlinks lead to places in it', async () => {
  const layer = join(scratch(), 'layer.tar');
  const entries = [
    { name: 'usr/lib/modules/6.1/modules.dep', data: 'a.ko:\n' },
    { name: 'lib', type: 'symlink', linkName: 'usr/lib' },
    { name: 'vmlinuz', type: 'symlink', linkName: '/usr/lib/modules/6.1/modules.dep' },
  ] as const;
  writeFileSync(layer, makeTar(entries));
  const image = await openImage({ layers: [layer], cache: false });
  const tree = new ImageTree(new Filesystem(image));
  expect(tree.names('lib/modules')).toEqual(['6.1']);
  expect([tree.names('vmlinuz'), tree.names('boot')]).toEqual([undefined, undefined]);
  expect([tree.size('vmlinuz'), tree.size('lib'), tree.size('boot')]).toEqual([6, undefined, undefined]);
  expect(Buffer.from(tree.read('lib/modules/6.1/modules.dep', 6)).toString()).toBe('a.ko:\n');
  expect(() => tree.read('vmlinuz', 5)).toThrow('expected a file of at most 5 bytes');
  expect(() => tree.read('boot/x', 5)).toThrow('the image has no boot/x');
  image.close();
});
