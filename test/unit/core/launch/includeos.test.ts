import { describe, expect, it } from 'vitest';
import type { LaunchOptions } from '../../../../src/core/launch/launch.ts';
import { launchIncludeos } from '../../../../src/core/launch/includeos.ts';
import { LAUNCH, oneDisk } from '../../../helpers/launch-options.ts';

const launch = (options: Partial<LaunchOptions> = {}): { argv: readonly string[]; configuration: unknown } => {
  const { argv, files } = launchIncludeos({ ...LAUNCH, ...options });
  expect(files.map(({ path }) => path)).toEqual(['/d/vm.json']);
  return { argv, configuration: JSON.parse(files[0]?.text ?? '') };
};

describe('launchIncludeos', () => {
  it('writes a vm.json', () => {
    const { argv, configuration } = launch({ append: 'a b' });
    expect(argv).toEqual(['boot', '-j', '/d/vm.json', '/k/app', 'a b']);
    expect(configuration).toEqual({
      mem: 256,
      drives: [{ file: '/d/disk.img', type: 'virtio', format: 'raw', media: 'disk' }],
    });
  });

  it('takes a vm.json, and our URI', () => {
    const disk = { as: 'nbd', socket: '/s', exportName: 'e', uri: 'nbd+unix:///e?socket=%2Fs' } as const;
    const configuration = { name: 'vm.json', bytes: Buffer.from('{"mem":64,"smp":2}') };
    expect(launch({ configuration, disks: oneDisk(disk) }).configuration).toMatchObject({
      mem: 64,
      smp: 2,
      drives: [{ file: disk.uri }],
    });
  });

  it('refuses another filesystem', () => {
    expect(() => launch({ disks: oneDisk({ as: 'file', path: '/d' }, 'ext4') })).toThrow(
      'IncludeOS reads vfat, not ext4',
    );
  });
});
