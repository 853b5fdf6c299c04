import { describe, expect, it } from 'vitest';
import type { Export } from '../../../src/nbd/backend.ts';
import { bufferBackend } from '../../../src/nbd/backends/buffer-backend.ts';
import { ExportTable } from '../../../src/nbd/export-table.ts';

const backend = bufferBackend(Buffer.alloc(1000));
const withSize = (size: number): Export => ({ name: 'x', backend: { ...backend, size } });

describe('ExportTable', () => {
  it.each<[string, Export[]]>([
    ['nothing', []],
    [
      'two of a name',
      [
        { name: 'x', backend },
        { name: 'x', backend },
      ],
    ],
    ['a long name', [{ name: 'é'.repeat(2049), backend }]],
    ['NUL', [{ name: 'x\0', backend }]],
    ['half a character', [{ name: '\ud800', backend }]],
    ['a long description', [{ name: 'x', description: 'x'.repeat(4097), backend }]],
    ['a negative size', [withSize(-1)]],
    ['half a byte', [withSize(1.5)]],
    ['more bytes than numbers can count', [withSize(2 ** 53)]],
    ['a unit of three bytes', [{ name: 'x', backend, blockBytesMin: 3 }]],
    ['a unit that is too large', [{ name: 'x', backend, blockBytesMin: 131_072 }]],
    ['a size of broken units', [{ name: 'x', backend, blockBytesMin: 512 }]],
  ])('refuses %s', (_, exports) => {
    expect(() => new ExportTable(exports)).toThrow(expect.objectContaining({ code: 'bad-export' }));
  });

  it('takes what is just short enough', () => {
    const name = 'é'.repeat(2048);
    expect(new ExportTable([{ name, description: 'x'.repeat(4096), backend }]).find(name)).toBeDefined();
    expect(new ExportTable([withSize(Number.MAX_SAFE_INTEGER)]).find('x')).toBeDefined();
    expect(new ExportTable([withSize(0)]).find('nothing')).toBeUndefined();
  });
});
