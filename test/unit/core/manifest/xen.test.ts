import { describe, expect, it } from 'vitest';
import { xenDiskLine } from '../../../../src/core/manifest/xen.ts';

const line = (target: string, isReadOnly = true): string => xenDiskLine([{ target, vdev: 'xvda', isReadOnly }]);

describe('xenDiskLine', () => {
  it('names format, device, access and target, which comes last', () => {
    expect(line('/abs/F')).toBe("disk = [ 'format=raw, vdev=xvda, access=ro, target=/abs/F' ]");
    expect(line('/abs/F', false)).toContain('access=rw');
  });

  it('has all disks of a guest', () => {
    const disks = ['xvda', 'xvdb'].map((vdev) => ({ target: `/${vdev}`, vdev, isReadOnly: true }));
    expect(xenDiskLine(disks)).toBe(
      "disk = [ 'format=raw, vdev=xvda, access=ro, target=/xvda', 'format=raw, vdev=xvdb, access=ro, target=/xvdb' ]",
    );
    expect(xenDiskLine([])).toBe('disk = [  ]');
  });

  it('quotes', () => {
    expect(line("/a'b")).toContain(`"format=raw, vdev=xvda, access=ro, target=/a'b"`);
    expect(line('/a"b\\c')).toContain(`target=/a"b\\\\c'`);
  });

  it('doubles a comma at the end, of which Xen takes one', () => {
    expect(line('/a,b,')).toContain("target=/a,b,,'");
  });

  it('refuses what it cannot quote, and relative paths', () => {
    expect(() => line(`/a'b"c`)).toThrow('both quotes or control characters');
    expect(() => line('/a\nb')).toThrow('both quotes or control characters');
    expect(() => line('a')).toThrow('a: not an absolute path, which Xen needs');
  });
});
