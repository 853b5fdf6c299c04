import { expect, it } from 'vitest';
import { isStaticProgram } from '../../../../src/core/guest/busybox.ts';
import { makeElf } from '../../../helpers/elf-sections.ts';

const [PT_LOAD, PT_INTERP] = [1, 3];

it('a program is static when nothing loads libraries for it', () => {
  expect(isStaticProgram(makeElf({}, [PT_LOAD]), 'amd64')).toBe(true);
  expect(isStaticProgram(makeElf({}, [PT_LOAD, PT_INTERP]), 'amd64')).toBe(false);
  expect(isStaticProgram(makeElf({}, [PT_LOAD]), 'arm64')).toBe(false);
  expect(isStaticProgram(Buffer.from('#!/bin/sh'), 'amd64')).toBe(false);
  expect(isStaticProgram(makeElf({}, [PT_LOAD]).subarray(0, 66), 'amd64')).toBe(false);
});
