import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportsOf } from '../../../src/cli/serve-exports.ts';
import { scratch } from '../../helpers/scratch.ts';

describe('the exports of a command line', () => {
  it('are one of all layers, under the name that is asked for', () => {
    expect(exportsOf(['a.tar', 'b.tar'], undefined)).toEqual([{ name: '', layers: ['a.tar', 'b.tar'] }]);
    expect(exportsOf(['a.tar'], 'disk')).toEqual([{ name: 'disk', layers: ['a.tar'] }]);
  });

  it('are several by name, each with its layers in order', () => {
    expect(exportsOf(['root=a.tar', 'data=c.img', 'root=dir:b=c'], undefined)).toEqual([
      { name: 'root', layers: ['a.tar', 'dir:b=c'] },
      { name: 'data', layers: ['c.img'] },
    ]);
  });

  it('are not in the name of a file that is there', () => {
    const path = join(scratch(), 'a=b.tar');
    writeFileSync(path, '');
    expect(exportsOf([path], undefined)).toEqual([{ name: '', layers: [path] }]);
  });

  it('are refused half named, and named twice over', () => {
    expect(() => exportsOf(['root=a.tar', 'b.tar'], undefined)).toThrow('b.tar: expected NAME=REFERENCE');
    expect(() => exportsOf(['root=a.tar'], 'disk')).toThrow('--export');
  });
});
