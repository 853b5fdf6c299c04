import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fileBackend } from '../../../../src/nbd/backends/file-backend.ts';
import { scratch } from '../../../helpers/scratch.ts';

function file(): string {
  const path = join(scratch(), 'file');
  writeFileSync(path, Buffer.alloc(5000, 'x'));
  return path;
}

describe('fileBackend', () => {
  it('reads, writes and flushes', async () => {
    const path = file();
    const backend = fileBackend(path, { writable: true });
    onTestFinished(() => backend.close?.());
    void backend.write?.(4000, Buffer.alloc(100, 'y'));
    await backend.flush?.();
    const target = Buffer.alloc(200);
    void backend.read(3950, target);
    expect(target).toEqual(Buffer.concat([Buffer.alloc(50, 'x'), Buffer.alloc(100, 'y'), Buffer.alloc(50, 'x')]));
    expect(readFileSync(path).subarray(4000, 4100)).toEqual(Buffer.alloc(100, 'y'));
  });

  it('cannot write unless told, and says when the file has become shorter', () => {
    const path = file();
    const backend = fileBackend(path);
    onTestFinished(() => backend.close?.());
    expect(backend).toMatchObject({ size: 5000 });
    expect('write' in backend).toBe(false);
    truncateSync(path, 100);
    expect(() => backend.read(50, Buffer.alloc(100))).toThrow('ends at 100');
  });
});
