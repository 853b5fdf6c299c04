import { describe, expect, it } from 'vitest';
import { checkModules, loadOrder, readModuleIndex } from '../../../../src/core/guest/module-index.ts';
import { memoryTree } from '../../../helpers/memory-tree.ts';

const info = (depends: readonly string[], softDepends: readonly string[] = []) => ({ depends, softDepends });

describe('the index of modules', () => {
  it("is depmod's list, or the kernel's own", () => {
    const order = 'kernel/a-b.ko\nkernel/c.ko\n';
    const tree = memoryTree({
      'm/modules.dep': 'kernel/a-b.ko.xz: kernel/c.ko.xz\nextra/d.ko.xz:\n',
      'm/modules.order': order,
      'n/modules.order': order,
      'n/modules.builtin': 'kernel/fs/ext4/ext4.ko\n',
    });
    const [all, own] = [readModuleIndex(tree, 'm'), readModuleIndex(tree, 'n')];
    expect(Object.fromEntries(all.paths)).toEqual({ a_b: 'kernel/a-b.ko.xz', d: 'extra/d.ko.xz' });
    expect(all.builtIn).toBeUndefined();
    expect([...own.paths.keys()]).toEqual(['a_b', 'c']);
    expect([...(own.builtIn ?? [])]).toEqual(['ext4']);
  });

  it('says what a kernel lacks, where it tells', () => {
    const index = { paths: new Map([['a', 'a.ko']]), builtIn: new Set(['b']) };
    const wanted = ['a', 'b', 'c'].map((name) => ({ name, why: 'the disk' }));
    expect(() => checkModules(index, wanted, '6.1')).toThrow(
      'the kernel 6.1 has no c, built in or as a module: it is for the disk',
    );
    expect(() => checkModules(index, [{ name: 'c', why: '', isOptional: true }], '6.1')).not.toThrow();
    expect(() => checkModules({ ...index, builtIn: undefined }, wanted, '6.1')).not.toThrow();
  });
});

describe('the order of loading', () => {
  it('has what a module depends on before it, and each once', () => {
    const infos = new Map([
      ['blk', info(['virtio'])],
      ['pci', info(['ring', 'virtio'])],
      ['virtio', info(['ring'])],
      ['ring', info([])],
      ['ext4', info(['mbcache'], ['crc32c'])],
      ['mbcache', info([])],
      ['crc32c', info(['absent'])],
    ]);
    const expected = ['ring', 'virtio', 'pci', 'blk', 'crc32c', 'mbcache', 'ext4'];
    expect(loadOrder(['pci', 'blk', 'ext4', 'absent', 'pci'], infos)).toEqual(expected);
  });

  it('ends where modules depend on each other', () => {
    const infos = new Map([
      ['a', info(['b'])],
      ['b', info(['a'])],
    ]);
    expect(loadOrder(['a'], infos)).toEqual(['b', 'a']);
  });
});
