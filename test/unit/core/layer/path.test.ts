import { describe, expect, it } from 'vitest';
import { normalizePath } from '../../../../src/core/layer/path.ts';

const normal = (path: string): string => normalizePath(path, {});
const name = 'n'.repeat(255);

describe('normalizePath', () => {
  it('drops what says nothing', () => {
    expect(['/a', './a', 'a/', 'a//b/./c', '././', '/'].map(normal)).toEqual(['a', 'a', 'a', 'a/b/c', '', '']);
  });

  it('applies .. and refuses to leave the root', () => {
    expect(['a/../b', 'a/b/..', 'a/..'].map(normal)).toEqual(['b', 'a', '']);
    for (const path of ['..', 'a/../..', '/../etc']) {
      expect(() => normal(path)).toThrow(expect.objectContaining({ code: 'name-escapes-root' }));
    }
  });

  it('takes names of 255 bytes, and whiteouts of such names', () => {
    expect(normal(`d/${name}`)).toBe(`d/${name}`);
    expect(normal(`./d/.wh.${name}`)).toBe(`d/.wh.${name}`);
  });

  it('refuses longer ones', () => {
    for (const path of [`${name}n`, `d/${name}n/f`, `.wh.${name}n`, `.wh.${name}/f`, 'a\0b']) {
      expect(() => normal(path)).toThrow(expect.objectContaining({ code: 'name-invalid' }));
    }
  });
});
