import { describe, expect, it } from 'vitest';
import { launchKata } from '../../../../src/core/launch/kata.ts';
import { LAUNCH } from '../../../helpers/launch-options.ts';

describe('launchKata', () => {
  it("tells Kata's runtime of a volume", () => {
    const disk = { as: 'file', path: '/v/disk.img' } as const;
    expect(launchKata({ ...LAUNCH, disk, readOnly: true }).argv).toEqual([
      'kata-runtime',
      'direct-volume',
      'add',
      '--volume-path',
      '/v/disk.img',
      '--mount-info',
      '{"volume-type":"block","device":"/v/disk.img","fstype":"ext4","metadata":{},"options":["ro"]}',
    ]);
    expect(launchKata({ ...LAUNCH, disk, filesystem: 'ext2' }).argv.at(-1)).toContain('"fstype":"ext2"');
  });

  it('refuses a file that does not stay', () => {
    expect(() => launchKata(LAUNCH)).toThrow('Kata keeps its volumes: --at FILE is missing');
  });
});
