import { describe, expect, it } from 'vitest';
import { moduleName, readModuleInfo } from '../../../../src/core/guest/module-info.ts';
import { makeElf } from '../../../helpers/elf-sections.ts';

describe('what a module says of others', () => {
  it('is in its .modinfo', () => {
    const modinfo = 'license=GPL\0depends=virtio_ring,virtio-x\0softdep=pre: crc32c sha1 post: other\0name=x\0';
    expect(readModuleInfo(makeElf({ '.text': 'code', '.modinfo': modinfo }), 'x.ko')).toEqual({
      depends: ['virtio_ring', 'virtio_x'],
      softDepends: ['crc32c', 'sha1'],
    });
  });

  it('is nothing where it says nothing', () => {
    const nothing = { depends: [], softDepends: [] };
    expect(readModuleInfo(makeElf({ '.modinfo': 'depends=\0softdep=post: a\0' }), 'x.ko')).toEqual(nothing);
    expect(readModuleInfo(makeElf({}), 'x.ko')).toEqual(nothing);
  });

  it('is read beside a section that takes no room in the file', () => {
    const module = makeElf({ '.bss': '', '.modinfo': 'depends=a\0' });
    const bss = Number(module.readBigUInt64LE(0x28)) + 64;
    module.writeBigUInt64LE(0x10_0000n, bss + 0x20);
    expect(readModuleInfo(module, 'x.ko').depends).toEqual(['a']);
  });

  it('is not read where the file is cut, or another', () => {
    const module = makeElf({ '.modinfo': 'depends=a\0' });
    // The last fields of the last section's header are not looked at.
    for (let length = 0; length < module.length - 64; length += 7)
      expect(() => readModuleInfo(module.subarray(0, length), 'x.ko')).toThrow('x.ko is no kernel module');
  });
});

describe('the name of a module', () => {
  it.each([
    ['kernel/drivers/block/virtio_blk.ko', 'virtio_blk'],
    ['kernel/x/crc32c-intel.ko.xz', 'crc32c_intel'],
    ['a.ko.zst', 'a'],
  ])('of %j', (path, name) => {
    expect(moduleName(path)).toBe(name);
  });
});
