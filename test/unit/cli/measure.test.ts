import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { output, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';

const cwd = sharedScratch();
const layers = writeLayers(cwd);
const measure = (...args: string[]) =>
  JSON.parse(output(['measure', ...layers, '--json', ...args], { cwd })) as Record<string, number>;

describe('measure', () => {
  it('tells what build then makes', () => {
    const made = JSON.parse(output(['build', ...layers, '-o', 'disk.img', '--json'], { cwd })) as Record<
      string,
      unknown
    >;
    const { size, allocated, blocks, blocksUsed, inodes, inodesUsed, uuid } = measure();
    expect({ size, blocks, blocksUsed, inodes, inodesUsed, uuid }).toEqual({
      size: made['size'],
      blocks: made['blocks'],
      blocksUsed: made['blocksUsed'],
      inodes: made['inodes'],
      inodesUsed: made['inodesUsed'],
      uuid: made['uuid'],
    });
    const file = statSync(join(cwd, 'disk.img'));
    expect(file.size).toBe(size);
    expect(file.blocks * 512).toBeLessThanOrEqual(allocated!);
  });

  it('counts layers, entries and the inodes of what is left', () => {
    // 10 reserved, lost+found, the root's is one of the reserved; base has 9 more without etc/old, app 3 with srv.
    expect(measure()).toMatchObject({ layers: 2, entries: 14, inodesUsed: 11 + 8 + 3 });
  });

  it('prints a table for people', () => {
    const lines = output(['measure', ...layers], { cwd }).split('\n');
    expect(lines.map((line) => line.slice(0, 11).trim())).toEqual([
      'size',
      'allocated',
      'blocks',
      'inodes',
      'layers',
      'uuid',
      'planned in',
    ]);
    expect(lines[0]).toMatch(/^size {7}\d+ \([\d.]+ MiB\)$/);
  });
});
