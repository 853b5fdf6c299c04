import { describe, expect, it } from 'vitest';
import { Superblock, SUPERBLOCK_OFFSET } from '../../src/core/ext4/format/superblock.ts';
import { formatRumprunJson, parseRumprunJson } from '../../src/core/manifest/rumprun-json.ts';
import { viewOf } from '../../src/core/struct.ts';
import { planCase } from '../helpers/image-case.ts';
import { readByJsmn } from '../helpers/jsmn.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools } from '../helpers/tools.ts';

/** What is written more often than not where something else is expected. */
const TOKENS = ['{', '}', '[', ']', ',', ',', ':', ':', '"a"', '"b"', '"\\"\\u00e4"', ' ', '\n', '1', '\f'];

/** A value, with commas where they do no harm. */
function loose(next: (below: number) => number, depth: number): string {
  const kind = depth > 3 ? 0 : next(4);
  const comma = (): string => [',', ', ', ' ,\n,'][next(3)]!;
  const maybe = (): string => ['', ' ', ','][next(3)]!;
  const items = Array.from({ length: kind === 0 || kind === 3 ? 0 : next(4) }, () => loose(next, depth + 1));
  if (kind === 1) return `[${maybe()}${items.join(comma())}${maybe()}]`;
  if (kind === 2) return `{${maybe()}${items.map((item) => `"k" : ${item}`).join(comma())}${maybe()}}`;
  return ['"v"', '""', '"\\\\"', '"ä, {"'][next(4)]!;
}

function texts(count: number): string[] {
  const next = random(17);
  return Array.from({ length: count }, () => {
    const members = Array.from({ length: next(4) }, () => `"m":${loose(next, 0)}`);
    const text = `{${[',', '', ' '][next(3)]!}${members.join(',')}}${['', ', ', '\n'][next(3)]!}`;
    if (next(2) === 0) return text;
    const at = 1 + next(text.length);
    return text.slice(0, at) + TOKENS[next(TOKENS.length)]! + text.slice(at + next(3));
  });
}

const read = (text: string): string | undefined => {
  try {
    return formatRumprunJson(parseRumprunJson(Buffer.from(text), 'text'));
  } catch {
    return undefined;
  }
};

const isPossible = requireTools('gcc', '/usr/include/stdio.h', '/usr/include/jsmn.h');

describe.skipIf(!isPossible)('what Rumprun reads its configuration with', () => {
  it('reads as is read here what is read here', () => {
    const all = texts(3000);
    const theirs = readByJsmn(all, scratch());
    const both = all.flatMap((text, i) => {
      const ours = read(text);
      return ours === undefined ? [] : [{ text, ours, theirs: theirs[i] }];
    });
    expect(both.length).toBeGreaterThan(1500);
    expect(both.filter((each) => each.ours !== each.theirs)).toEqual([]);
  });
});

/** EXT2F_INCOMPAT_SUPP and EXT2F_ROCOMPAT_SUPP of NetBSD's ext2fs as Rumprun has it: FILETYPE, and EXTENTS, whose files it damages. */
const SUPPORTED = { incompat: 0x42, roCompat: 0xb };
const EXTENTS = 0x40;

describe('an ext2 image', () => {
  it('has the features that Rumprun mounts, and no extents', async () => {
    const { image } = await planCase([[{ name: 'a', data: 'a' }]], { fs: 'ext2', label: 'r' });
    const block = new Uint8Array(Superblock.size);
    image.read(SUPERBLOCK_OFFSET, block);
    const { s_feature_incompat: incompat, s_feature_ro_compat: roCompat } = Superblock.read(viewOf(block), 0);
    expect([incompat & ~SUPPORTED.incompat, incompat & EXTENTS, roCompat & ~SUPPORTED.roCompat]).toEqual([0, 0, 0]);
  });
});
