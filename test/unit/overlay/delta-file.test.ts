import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HostDeltaFile, unlinkedFile } from '../../../src/overlay/delta-file.ts';
import { scratch } from '../../helpers/scratch.ts';

function setTemporary(folder: string): void {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  onTestFinished(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
}

describe('unlinkedFile', () => {
  it('has no name, and what is written to it', () => {
    const folder = join(scratch(), 'tmp');
    mkdirSync(folder);
    setTemporary(folder);
    const file = unlinkedFile();
    expect(file).toBeInstanceOf(HostDeltaFile);
    expect(readdirSync(folder)).toEqual([]);
    file.write(5000, Buffer.from('abc'));
    const bytes = Buffer.alloc(5);
    file.read(4998, bytes);
    expect(bytes.toString('latin1')).toBe('\0\0abc');
    expect(() => file.read(5000, bytes)).toThrow('the delta ends at 5003');
    file.close();
  });

  it('says where there is no room for it', () => {
    const folder = join(scratch(), 'none');
    setTemporary(folder);
    expect(() => unlinkedFile()).toThrow(/^cannot use .*none\/blockloom-.*: no such file or directory$/);
  });
});
