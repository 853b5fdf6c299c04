import fc from 'fast-check';
import type { ImageOptions } from '../../src/image/options.ts';
import type { ByteString } from '../../src/core/bytes.ts';
import { type ModelNode, modelOf, Refused, type SymlinkedParents } from './model.ts';
import type { SparseSpec, TarEntry, TarFormat } from './tar-writer.ts';

/** Layers, bottom first, and how they are merged. */
export interface RandomStack {
  readonly layers: readonly (readonly TarEntry[])[];
  readonly symlinkedParents: SymlinkedParents;
  readonly blockSize: 1024 | 2048 | 4096;
  readonly placement: 'stable' | 'compact';
  /** What changes where things are, and nothing that is seen of them. */
  readonly kind: Pick<ImageOptions, 'journal' | 'features'>;
}

const NAMES: readonly ByteString[] = [
  'a',
  'b',
  'c',
  'd',
  'lib',
  'usr',
  'B',
  '\xff\xfe',
  'new\nline',
  'lost+found',
  'x'.repeat(255),
];

/** Few names and few levels, so that layers meet. */
const component = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...NAMES.slice(0, 5)) },
  { weight: 2, arbitrary: fc.constantFrom(...NAMES) },
);
const path = fc
  .array(component, { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/'))
  .filter((text) => text.length < 900);

/** How a name is spelled in a tar. */
const prefix = fc.constantFrom('', '', '', './', '/');

const id = fc.oneof(fc.constantFrom(0, 0, 1000, 65535, 65536, 2 ** 32 - 2), fc.nat(2 ** 31 - 1));
const mode = fc.oneof(fc.constantFrom(0o644, 0o755, 0o4755, 0o1777, 0), fc.nat(0o7777));
const time = fc.oneof(
  fc.constantFrom<number | string>(
    0,
    -1,
    '-1.5',
    2 ** 31,
    2 ** 32,
    '15032385535.999999999',
    '-2147483648',
    '0.000000001',
  ),
  fc.tuple(fc.integer({ min: -(2 ** 31), max: 15032385535 }), fc.nat(999999999)).map(fraction),
);

function fraction([seconds, nanoseconds]: [number, number]): string {
  return `${seconds}.${String(nanoseconds).padStart(9, '0')}`;
}

/** Bytes that depend on a seed alone; some blocks are zeros. */
function randomBytes(length: number, seed: number): Uint8Array {
  let state = (seed | 1) >>> 0;
  return Uint8Array.from({ length }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (i >> 13) % 3 === 2 && seed % 3 === 0 ? 0 : state >>> 24;
  });
}

const data = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.nat(300) },
      { weight: 2, arbitrary: fc.constantFrom(0, 511, 512, 1024, 4095, 4096, 4097, 8192, 60_000) },
      { weight: 1, arbitrary: fc.nat(200_000) },
    ),
    fc.nat(1 << 30),
  )
  .map(([length, seed]) => randomBytes(length, seed));

const xattrs = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Record<string, Uint8Array>>({}) },
  {
    weight: 2,
    arbitrary: fc.dictionary(
      fc.constantFrom('trusted.a', 'trusted.overlay.x', 'security.capable', 'trusted.bb', `trusted.${'n'.repeat(200)}`),
      fc
        .tuple(fc.oneof({ weight: 8, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(150) }), fc.nat(1 << 30))
        .map(([length, seed]) => randomBytes(length, seed)),
      { maxKeys: 3 },
    ),
  },
);

/** What fits neither an inode nor a block; few values, so that inodes share them. */
const longXattrs = fc.dictionary(
  fc.constantFrom('trusted.long', 'trusted.longer', 'security.long'),
  fc
    .tuple(fc.oneof(fc.constantFrom(4096, 65_535, 65_536), fc.nat(65_536)), fc.nat(3))
    .map(([length, seed]) => randomBytes(length, seed)),
  { minKeys: 1, maxKeys: 3 },
);

/** What every type of file can have. */
const commonXattrs = fc.oneof(
  { weight: 15, arbitrary: xattrs },
  { weight: 1, arbitrary: fc.tuple(xattrs, longXattrs).map(([some, long]) => ({ ...some, ...long })) },
);

/** As Linux gives ACLs to programs: a version, then tag, permissions and id each. */
const acl = fc
  .tuple(fc.array(fc.nat(7), { minLength: 6, maxLength: 6 }), fc.uniqueArray(fc.nat(2 ** 32 - 2), { maxLength: 3 }))
  .map(([permissions, ids]) => {
    const none = 0xffffffff;
    const named = ids.toSorted((a, b) => a - b).map((who, i) => [0x02, permissions[i]!, who] as const);
    const mask = ids.length > 0 ? [[0x10, permissions[3]!, none] as const] : [];
    const entries = [[0x01, permissions[4]!, none], ...named, [0x04, permissions[5]!, none], ...mask, [0x20, 5, none]];
    const value = Buffer.alloc(4 + 8 * entries.length);
    value.writeUInt32LE(2, 0);
    entries.forEach(([tag, permission, who], i) => {
      value.writeUInt16LE(tag!, 4 + 8 * i);
      value.writeUInt16LE(permission!, 6 + 8 * i);
      value.writeUInt32LE(who!, 8 + 8 * i);
    });
    return Uint8Array.from(value);
  });

/** What only files and directories can have. */
const moreXattrs = fc.option(fc.record({ 'system.posix_acl_access': acl, 'user.mime': acl }, { requiredKeys: [] }), {
  nil: {},
  freq: 4,
});
const directoryXattrs = fc.option(fc.record({ 'system.posix_acl_default': acl }), { nil: {}, freq: 3 });

const metadata = fc.record({ mode, uid: id, gid: id, mtime: time, xattrs: commonXattrs });

/** GNU headers keep times in whole seconds, ustar ones also small numbers: PAX takes the rest. */
const format = fc.constantFrom<TarFormat>('pax', 'pax', 'gnu');

const sparse = fc
  .tuple(
    fc.constantFrom<SparseSpec['form']>('gnu', '0.0', '0.1', '1.0'),
    fc.array(fc.tuple(fc.oneof(fc.nat(20_000), fc.nat(40_000_000)), fc.oneof(fc.nat(600), fc.nat(9000))), {
      maxLength: 12,
    }),
    fc.oneof(fc.nat(5000), fc.nat(2 ** 34)),
    fc.nat(1 << 30),
  )
  .map(([form, gaps, tail, seed]) => {
    const segments: { offset: number; length: number }[] = [];
    let end = 0;
    for (const [gap, length] of gaps) {
      segments.push({ offset: end + gap, length });
      end += gap + length;
    }
    const bytes = segments.reduce((sum, { length }) => sum + length, 0);
    return { sparse: { form, size: end + tail, segments }, data: randomBytes(bytes, seed) };
  });

const symlinkTarget = fc.oneof(
  path,
  path.map((text) => `/${text}`),
  path.map((text) => `../${text}`),
  fc.constantFrom('.', '..', '/', 'usr/', './a//b', 'n'.repeat(59), 'n'.repeat(60), 'm'.repeat(1023)),
);

/** An entry whose name or target may still have to be chosen among those that came before. */
interface Draft {
  readonly entry: TarEntry;
  /** Takes this one of the names so far as its own or, for a hard link, as its target. */
  readonly pick?: number | undefined;
}

const pick = fc.nat(1000);
const sometimesPick = fc.option(pick, { nil: undefined, freq: 2 });

const draft: fc.Arbitrary<Draft> = fc
  .tuple(
    prefix,
    path,
    metadata,
    format,
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ entry: fc.record({ data }), more: moreXattrs, pick: sometimesPick }) },
      { weight: 1, arbitrary: fc.record({ entry: sparse, pick: sometimesPick }) },
      {
        weight: 5,
        arbitrary: fc.record({
          entry: fc.constant({ type: 'directory' as const }),
          more: fc.tuple(moreXattrs, directoryXattrs).map(([some, others]) => ({ ...some, ...others })),
          pick: sometimesPick,
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          entry: fc.record({ type: fc.constant('symlink' as const), linkName: symlinkTarget }),
          pick: sometimesPick,
        }),
      },
      { weight: 3, arbitrary: fc.record({ entry: fc.constant({ type: 'hardlink' as const }), pick }) },
      {
        weight: 1,
        arbitrary: fc.record({
          entry: fc.record({
            type: fc.constantFrom('character' as const, 'block' as const),
            deviceMajor: fc.oneof(fc.nat(255), fc.nat(4095)),
            deviceMinor: fc.oneof(fc.nat(255), fc.nat((1 << 20) - 1)),
          }),
          pick: sometimesPick,
        }),
      },
      { weight: 1, arbitrary: fc.record({ entry: fc.constant({ type: 'fifo' as const }), pick: sometimesPick }) },
    ),
  )
  .map(([start, text, common, form, { entry, pick: picked, ...rest }]) => {
    const all: Record<string, Uint8Array> = { ...common.xattrs, ...('more' in rest ? rest.more : {}) };
    return { entry: { ...common, ...entry, xattrs: all, format: form, name: start + text }, pick: picked };
  });

const removal: fc.Arbitrary<Draft> = fc
  .tuple(path, fc.boolean(), fc.option(pick, { nil: undefined, freq: 4 }))
  .map(([text, opaque, picked]) => ({
    entry: { name: opaque ? `${text}/.wh..wh..opq` : text.replace(/([^/]*)$/, '.wh.$1') },
    pick: picked,
  }));

/** A directory that needs an index of hashes. */
const crowd: fc.Arbitrary<Draft[]> = fc
  .tuple(fc.constantFrom('a', 'b', 'c/d'), fc.integer({ min: 20, max: 400 }), fc.integer({ min: 1, max: 240 }))
  .map(([folder, count, length]) =>
    Array.from({ length: count }, (_, i) => ({ entry: { name: `${folder}/${i}${'-'.repeat(length)}`, data: `${i}` } })),
  );

const layerOf = (isBase: boolean): fc.Arbitrary<Draft[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 40, arbitrary: draft.map((one) => [one]) },
        { weight: isBase ? 0 : 14, arbitrary: removal.map((one) => [one]) },
        { weight: 1, arbitrary: crowd },
        { weight: 1, arbitrary: metadata.map((common) => [{ entry: { ...common, name: './' } }]) },
      ),
      { maxLength: 24 },
    )
    .map((drafts) => drafts.flat());

/** Stacks of 1 to 6 layers that mean something, and now and then one that is refused. */
export const randomStack: fc.Arbitrary<RandomStack> = fc
  .record({
    base: layerOf(true),
    others: fc.array(layerOf(false), { maxLength: 5 }),
    symlinkedParents: fc.constantFrom<SymlinkedParents>('follow', 'follow', 'follow', 'replace', 'error'),
    blockSize: fc.constantFrom(4096 as const, 4096 as const, 4096 as const, 1024 as const, 2048 as const),
    placement: fc.constantFrom('stable' as const, 'compact' as const),
    kind: fc.constantFrom<RandomStack['kind']>(
      {},
      {},
      { journal: true },
      { features: ['64bit'] },
      { features: ['inline_data'] },
      { journal: true, features: ['inline_data'] },
    ),
    keepsRefused: fc.nat(19).map((n) => n === 0),
  })
  .map(({ base, others, keepsRefused, ...rest }) => {
    const layers = resolvePicks([base, ...others]);
    return { ...rest, layers: keepsRefused ? layers : withoutRefused(layers, rest.symlinkedParents) };
  });

function resolvePicks(layers: readonly (readonly Draft[])[]): TarEntry[][] {
  const names: ByteString[] = ['a'];
  return layers.map((drafts) =>
    drafts.map(({ entry, pick: picked }) => {
      const resolved = picked === undefined ? entry : picking(entry, names[picked % names.length]!);
      if (!/\.wh\.|\/$/.test(resolved.name)) names.push(resolved.name);
      return clean(resolved);
    }),
  );
}

function picking(entry: TarEntry, chosen: ByteString): TarEntry {
  if (entry.type === 'hardlink') return { ...entry, linkName: chosen };
  const name = entry.name.endsWith('.wh..wh..opq')
    ? `${chosen}/.wh..wh..opq`
    : entry.name.includes('.wh.')
      ? chosen.replace(/([^/]*)$/, '.wh.$1')
      : chosen;
  return { ...entry, name };
}

/** What the forms of a header can hold. */
function clean(entry: TarEntry): TarEntry {
  const { format: form, ...rest } = entry;
  // GNU's own sparse header stands alone here: no other header in front of it.
  if (rest.sparse?.form === 'gnu' && rest.name.length > 100)
    return { ...rest, sparse: { ...rest.sparse, form: '1.0' } };
  if (rest.sparse?.form === 'gnu') return { ...rest, mtime: Math.trunc(Number(rest.mtime)), xattrs: {} };
  const needsPax = typeof rest.mtime === 'string' && rest.mtime.includes('.');
  const name = rest.type === 'directory' && !rest.name.endsWith('/') ? `${rest.name}/` : rest.name;
  return form === undefined || needsPax || rest.sparse !== undefined
    ? { ...rest, name }
    : { ...rest, name, format: form };
}

/** The layers without the entries that make them mean nothing. */
function withoutRefused(layers: TarEntry[][], symlinkedParents: SymlinkedParents): TarEntry[][] {
  for (;;) {
    try {
      modelOf(layers, symlinkedParents);
      return layers;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      layers[error.layer]!.splice(error.entry, 1);
    }
  }
}

/** What a stack means; undefined for one that is refused. */
export function meaning({ layers, symlinkedParents }: RandomStack): ModelNode | undefined {
  try {
    return modelOf(layers, symlinkedParents);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
