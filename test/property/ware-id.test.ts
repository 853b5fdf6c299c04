import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString } from '../../src/core/bytes.ts';
import { scratch } from '../helpers/scratch.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { wareAt, writeTar } from '../helpers/wares.ts';

/** What a name says besides its kind. */
interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly xattrs: ReadonlyMap<string, string>;
}

type Node = (
  | { readonly kind: 'file'; readonly data: string }
  /** Without attributes it is not in the tar: what is in it implies it. */
  | { readonly kind: 'directory'; readonly children: ReadonlyMap<string, Node> }
  | { readonly kind: 'symlink' | 'fifo' | 'character' }
) & { readonly attributes: Attributes | undefined };

/** The hash by its definition, written for these tests alone: latin1 texts in, SHA-384 out. */
const sha384 = (text: string): string => createHash('sha384').update(text, 'latin1').digest().toString('latin1');

function head(major: number, value: number): string {
  const [width, extra] =
    value < 24
      ? [0, value]
      : value < 2 ** 8
        ? [1, 24]
        : value < 2 ** 16
          ? [2, 25]
          : value < 2 ** 32
            ? [4, 26]
            : [8, 27];
  const hex = BigInt(value)
    .toString(16)
    .padStart(2 * width, '0');
  return String.fromCharCode(major * 32 + extra) + (width === 0 ? '' : Buffer.from(hex, 'hex').toString('latin1'));
}
const text = (value: string): string => head(3, value.length) + value;
const number = (value: number): string => (value < 0 ? head(1, -1 - value) : head(0, value));

const IMPLIED: Attributes = { mode: 0o755, uid: 0, gid: 0, seconds: 1_262_304_000, nanoseconds: 0, xattrs: new Map() };

function metadata(name: string, letter: string, attributes: Attributes | undefined): string {
  const { mode, uid, gid, seconds, nanoseconds, xattrs } = attributes ?? IMPLIED;
  const fields = [
    ['n', text(name)],
    ['t', text(letter)],
    ['p', number(mode)],
    ['u', number(uid)],
    ['g', number(gid)],
    ['m', number(seconds)],
    ['mn', number(nanoseconds)],
  ];
  const names = [...xattrs.keys()].filter((each) => xattrs.get(each) !== '').sort();
  const pairs = names.map((each) => text(each) + text(xattrs.get(each)!)).join('');
  if (names.length > 0) fields.push(['x', head(5, names.length) + pairs]);
  return head(5, fields.length) + fields.map(([key, value]) => text(key!) + value!).join('');
}

/** Undefined for what contributes nothing. */
function hashOf(name: string, node: Node): string | undefined {
  if (node.kind === 'file') {
    const content = sha384(node.data);
    return sha384(
      `${head(5, 2)}${text('m')}${metadata(name, 'f', node.attributes)}${text('h')}${head(2, 48)}${content}`,
    );
  }
  if (node.kind !== 'directory') return undefined;
  const sortKey = ([each, child]: [string, Node]): string => (child.kind === 'directory' ? `${each}/` : each);
  const children = [...node.children].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  const leaves = children.map(([each, child]) => hashOf(each, child)).filter((hash) => hash !== undefined);
  const list = `\x9f${leaves.map((hash) => head(2, 48) + hash).join('')}\xff`;
  return sha384(`${head(5, 2)}${text('m')}${metadata(name, 'd', node.attributes)}${text('l')}${list}`);
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

function base58(hash: string): string {
  let rest = BigInt(`0x${Buffer.from(hash, 'latin1').toString('hex')}`);
  let digits = '';
  for (; rest > 0n; rest /= 58n) digits = ALPHABET[Number(rest % 58n)]! + digits;
  return '1'.repeat(/^\0*/.exec(hash)![0].length) + digits;
}

function* tarEntries(path: string, node: Node): Generator<TarEntry> {
  const { attributes: given, kind } = node;
  if (given !== undefined) {
    const { mode, uid, gid, seconds, nanoseconds, xattrs } = given;
    // In decimal a fraction goes away from zero, in a ware nanoseconds are added.
    const whole = seconds < 0 && nanoseconds > 0 ? seconds + 1 : seconds;
    const fraction = seconds < 0 && nanoseconds > 0 ? 1e9 - nanoseconds : nanoseconds;
    const sign = whole === 0 && seconds < 0 ? '-' : '';
    const mtime = `${sign}${whole}.${String(fraction).padStart(9, '0')}`;
    const common = { mode, uid, gid, mtime, xattrs: Object.fromEntries(xattrs) };
    const what = kind === 'file' ? { data: node.data } : kind === 'symlink' ? { linkName: 'nowhere' } : {};
    yield { name: kind === 'directory' ? `${path}/` : path, type: kind, ...common, ...what };
  }
  if (kind !== 'directory') return;
  for (const [name, child] of node.children) yield* tarEntries(`${path}/${name}`, child);
}

const bytes = fc.uint8Array({ maxLength: 200 }).map(byteString);
const attributes: fc.Arbitrary<Attributes> = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  seconds: fc.integer({ min: -(2 ** 31), max: 2 ** 35 }),
  nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
  xattrs: fc
    .dictionary(fc.constantFrom('user.a', 'user.A', 'user.bb', 'security.capability'), bytes, { maxKeys: 3 })
    .map((each) => new Map(Object.entries(each))),
});
const NAMES = ['a', 'a.b', 'a0', 'b', 'B', '\xc3\xa9', '\xff', 'long'.repeat(40)];
const { directory } = fc.letrec<{ directory: Node; node: Node }>((tie) => ({
  directory: fc
    .record({
      kind: fc.constant('directory' as const),
      children: fc
        .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), tie('node')), { maxLength: 6, selector: ([name]) => name })
        .map((pairs) => new Map(pairs)),
      attributes: fc.option(attributes, { nil: undefined }),
    })
    // What is empty, nothing implies.
    .map((each) => ({
      ...each,
      attributes: each.children.size === 0 ? (each.attributes ?? IMPLIED) : each.attributes,
    })),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant('file' as const), data: bytes, attributes }),
    fc.record({ kind: fc.constantFrom('symlink' as const, 'fifo' as const, 'character' as const), attributes }),
    tie('directory'),
  ),
}));

describe('the WareID of a tar', () => {
  it('is what its definition says, computed in another way', async () => {
    const folder = scratch();
    await fc.assert(
      fc.asyncProperty(directory, async (root) => {
        const tar = writeTar(folder, 'a.tar', [...tarEntries('.', root)]);
        expect(await wareAt(tar)).toBe(`tar:${base58(hashOf('.', root)!)}`);
      }),
      { numRuns: 200 },
    );
  });
});
