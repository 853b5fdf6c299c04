import { describe, expect, it } from 'vitest';
import { compareReleases, findKernels, findModules } from '../../../../src/core/guest/find-kernels.ts';
import { memoryTree } from '../../../helpers/memory-tree.ts';

const paths = (files: readonly string[]): string[] =>
  findKernels(memoryTree(Object.fromEntries(files.map((path) => [path, 'kernel'])))).map(({ path }) => path);

describe('the kernels of a tree', () => {
  it('are found in boot and beside their modules, the newest first', () => {
    const files = ['boot/vmlinuz-6.1.0-9-amd64', 'usr/lib/modules/6.12.3/vmlinuz', 'boot/vmlinuz-6.1.0-10-amd64'];
    expect(paths(files)).toEqual([files[1], files[2], files[0]]);
  });

  it('are told once each, by their place in boot', () => {
    const files = ['boot/vmlinuz-6.1', 'usr/lib/modules/6.1/vmlinuz', 'lib/modules/6.1/vmlinuz'];
    expect(findKernels(memoryTree(Object.fromEntries(files.map((path) => [path, 'x']))))).toEqual([
      { path: 'boot/vmlinuz-6.1', release: '6.1' },
    ]);
  });

  it('are not what only has a similar name', () => {
    expect(
      paths([
        'boot/vmlinuz',
        'boot/initrd.img-6.1',
        'boot/vmlinuz-0-rescue-abc',
        'boot/vmlinuz-6.1.old',
        'boot/config-6.1',
      ]),
    ).toEqual([]);
    expect(findKernels(memoryTree({ 'boot/vmlinuz-6.1': '' }))).toEqual([]);
    expect(findKernels(memoryTree({}))).toEqual([]);
  });

  it('have their modules in lib or usr/lib', () => {
    const tree = memoryTree({ 'lib/modules/6.1/modules.dep': '', 'usr/lib/modules/6.2/modules.dep': '' });
    expect(['6.1', '6.2', '6.3'].map((release) => findModules(tree, release))).toEqual([
      'lib/modules/6.1',
      'usr/lib/modules/6.2',
      undefined,
    ]);
  });
});

describe('releases', () => {
  it('are ordered by their numbers', () => {
    const ascending = ['5.9', '5.10', '6.1.0-9-amd64', '6.1.0-10-amd64', '6.1.1', '6.1.1.1', '6.12.0'];
    expect(ascending.toReversed().sort(compareReleases)).toEqual(ascending);
  });
});
