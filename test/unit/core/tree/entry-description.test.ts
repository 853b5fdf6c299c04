import { expect, it } from 'vitest';
import { EntryType, type LayerEntry } from '../../../../src/core/layer/entry.ts';
import { LayerIndexBuilder } from '../../../../src/core/layer/layer-index.ts';
import { describeEntry } from '../../../../src/core/tree/entry-description.ts';
import type { MetadataPolicy } from '../../../../src/core/tree/metadata.ts';

const ENTRY: LayerEntry = {
  type: EntryType.file,
  path: 'a/\xff"',
  linkPath: '',
  mode: 0o666,
  uid: 5,
  gid: 6,
  mtimeSeconds: 100,
  mtimeNanoseconds: 7,
  size: 10,
  dataOffset: 512,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  headerOffset: 0,
};
const KEEP: MetadataPolicy = { mtime: 'keep', epoch: 50, chmodMask: 0 };

function describeOne(changes: Partial<LayerEntry>, policy = KEEP): string {
  const builder = new LayerIndexBuilder();
  builder.add({ ...ENTRY, path: 'before', dataOffset: 0 });
  builder.add({ ...ENTRY, ...changes });
  return describeEntry(builder.finish(), 1, policy);
}

it.each<[string, string, Partial<LayerEntry>]>([
  ['a file', '["a/ÿ\\"",1,438,5,6,100,7,10,[0,0],"",[],null]', {}],
  [
    'a file elsewhere in its layer',
    '["a/ÿ\\"",1,438,5,6,100,7,10,[0,0],"",[],null]',
    { dataOffset: 9, headerOffset: 9 },
  ],
  ['a sparse file', '["a/ÿ\\"",1,438,5,6,100,7,10,[0,0],"",[],[[2,3]]]', { segments: [{ offset: 2, length: 3 }] }],
  [
    'a symlink',
    '["s",7,438,5,6,100,7,0,[0,0],"to\\u0001",[],null]',
    { type: EntryType.symlink, path: 's', linkPath: 'to\x01', size: 0 },
  ],
  [
    'a device',
    '["d",3,438,5,6,100,7,0,[8,260],"",[],null]',
    { type: EntryType.characterDevice, path: 'd', size: 0, deviceMajor: 8, deviceMinor: 260 },
  ],
  [
    'xattrs',
    '["x",1,438,5,6,100,7,10,[0,0],"",[["user.a","\\u0000"],["user.b","ÿ"]],null]',
    {
      path: 'x',
      xattrs: [
        { name: 'user.b', value: Uint8Array.of(255) },
        { name: 'user.a', value: Uint8Array.of(0) },
      ],
    },
  ],
])('%s is one line', (_, line, changes) => {
  expect(describeOne(changes)).toBe(`${line}\n`);
});

it('is described as the policy has it', () => {
  const policy: MetadataPolicy = { mtime: 'clamp', epoch: 50, owner: { uid: 0, gid: 1 }, chmodMask: 0o22 };
  expect(describeOne({}, policy)).toBe('["a/ÿ\\"",1,420,0,1,50,0,10,[0,0],"",[],null]\n');
});
