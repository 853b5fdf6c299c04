import { describe, expect, it } from 'vitest';
import { decodeLock, encodeLock, type Lock } from '../../../../src/core/lock/lock.ts';
import { inputDifferences, resultDifferences } from '../../../../src/core/lock/differences.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const LOCK: Lock = {
  formatVersion: 1,
  options: {
    blockSize: 4096,
    free: '10%',
    label: 'root',
    placement: 'stable',
    symlinkedParents: 'follow',
    mtime: 'fixed',
    sourceDateEpoch: 1262304000,
    chmodMask: '0000',
    keepPermissions: true,
  },
  references: [
    {
      reference: 'oci:./app:latest',
      pinned: `oci:./app:${digest('1')}`,
      manifest: digest('1'),
      platform: 'linux/arm64/v8',
      layers: [
        { blob: digest('2'), diffId: digest('3') },
        { blob: digest('4'), diffId: digest('5') },
      ],
    },
    { reference: './site', layers: [{ contents: digest('6') }] },
  ],
  result: { tree: digest('7'), uuid: '01234567-89ab-8def-8123-456789abcdef', size: 1048576, sha256: '8'.repeat(64) },
};
const TEXT = `{
  "blockloom-lock": 1,
  "formatVersion": 1,
  "options": {
    "blockSize": 4096,
    "free": "10%",
    "label": "root",
    "placement": "stable",
    "symlinkedParents": "follow",
    "mtime": "fixed",
    "sourceDateEpoch": 1262304000,
    "chmodMask": "0000",
    "keepPermissions": true
  },
  "references": [
    {
      "reference": "oci:./app:latest",
      "pinned": "oci:./app:${digest('1')}",
      "manifest": "${digest('1')}",
      "platform": "linux/arm64/v8",
      "layers": [
        {
          "blob": "${digest('2')}",
          "diffId": "${digest('3')}"
        },
        {
          "blob": "${digest('4')}",
          "diffId": "${digest('5')}"
        }
      ]
    },
    {
      "reference": "./site",
      "layers": [
        {
          "contents": "${digest('6')}"
        }
      ]
    }
  ],
  "result": {
    "tree": "${digest('7')}",
    "uuid": "01234567-89ab-8def-8123-456789abcdef",
    "size": 1048576,
    "sha256": "${'8'.repeat(64)}"
  }
}
`;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a lock file', () => {
  it('is text that stays as it is', () => {
    expect(encodeLock(LOCK)).toBe(TEXT);
    expect(decodeLock(utf8(TEXT), 'x.lock')).toEqual(LOCK);
  });

  it.each<[string, string, string, RegExp]>([
    ['of another version', '"blockloom-lock": 1', '"blockloom-lock": 2', /^x\.lock, blockloom-lock: 2, expected 1$/],
    ['that is none', '"blockloom-lock": 1', '"lock": 1', /^x\.lock, blockloom-lock: nothing, expected 1$/],
    ['that is not JSON', '{', '', /^x\.lock is not JSON$/],
    ['with an unknown key', '"formatVersion"', '"host": "x", "formatVersion"', /^x\.lock: "host", expected only /],
    ['with an unknown option', '"label"', '"lable"', /^x\.lock, options: "lable", expected only /],
    [
      'with half a digest',
      digest('3'),
      'sha256:33',
      /^x\.lock, references\[0\]\.layers\[0\]\.diffId: "sha256:33", expected /,
    ],
    [
      'with two digests',
      `"contents"`,
      `"diffId": "${digest('1')}", "contents"`,
      /layers\[0\]: both, expected a diffID or contents$/,
    ],
    ['without a result', '"result": {', '"result": [{', /is not JSON$/],
    ['of a size below nothing', '1048576', '-1', /^x\.lock, result\.size: -1, expected a size in bytes$/],
    ['of many places', '"references": [', '"references": {', /is not JSON$/],
    [
      'whose references are a number',
      '"layers": [\n        {\n          "contents"',
      '"layers": 5, "x": [\n        {\n "contents"',
      /references\[1\]: "x", expected only /,
    ],
  ])('%s is refused', (_, part, other, message) => {
    expect(TEXT).toContain(part);
    expect(() => decodeLock(utf8(TEXT.replace(part, other)), 'x.lock')).toThrow(
      expect.objectContaining({ code: 'lock-invalid', message: expect.stringMatching(message) as string }),
    );
  });
});

describe('the disk of a lock', () => {
  const file = { file: './a', digest: digest('1') };
  const inFiles = (entry: object): object => ({
    table: 'gpt',
    esp: { references: [{ reference: 'files', files: { '/a': entry }, layers: [] }] },
    partitions: [],
  });
  const boot = (changes: object): object => ({
    table: 'gpt',
    boot: { kernel: file, efi: { layers: 'a' }, release: '6.1', loader: 'uki', timeout: 0, ...changes },
    partitions: [],
  });
  const partition = (...partitions: object[]): object => ({ table: 'mbr', partitions });
  const withDisk = (disk: object): Lock =>
    decodeLock(utf8(TEXT.replace('"result"', `"disk": ${JSON.stringify(disk)}, "result"`)), 'x');

  it.each<[string, object]>([
    ['a table alone', partition()],
    ['partitions', partition({ swap: 5, type: 'swap' }, { ...file, name: 'x' }, { empty: 4096 })],
    [
      'a filesystem',
      partition({
        references: LOCK.references,
        filesystem: { fs: 'tar', symlinkedParents: 'follow', mtime: 'keep', sourceDateEpoch: 5, chmodMask: '0022' },
      }),
    ],
    ['files', inFiles({ ...file, mode: '0755', owner: '1:2', mtime: 5, xattrs: { 'user.a': 'AQ==' } })],
    ['what boots', boot({ initrd: file, cmdline: 'quiet' })],
  ])('is read: %s', (_, disk) => {
    expect(withDisk(disk).disk).toEqual(disk);
  });

  it.each<[object, RegExp]>([
    [{ table: 'apm' }, /disk\.table: "apm", expected gpt or mbr$/],
    [{ table: 'gpt', host: 1 }, /disk: "host", expected only table, /],
    [partition({ swap: 5, empty: 5 }), /partitions\[0\]: "empty", expected only swap, type, name$/],
    [partition({}), /partitions\[0\]\.filesystem: nothing, expected an object$/],
    [partition({ swap: -1 }), /partitions\[0\]\.swap: -1, expected a size in bytes$/],
    [partition({ file: './a' }), /partitions\[0\]\.digest: nothing, expected sha256:HEX$/],
    [partition({ swap: 5, type: 'x' }), /partitions\[0\]\.type: "x", expected esp or /],
    [partition({ references: [], filesystem: { fsverity: ['/'] } }), /filesystem: fsverity, expected no fsverity /],
    [boot({ kernel: { ...file, layers: 'a' } }), /boot\.kernel: "file", expected only layers$/],
    [boot({ release: '../..' }), /boot\.release: "\.\.\/\.\.", expected a release of Linux$/],
    [inFiles({}), /files\.\/a: none, expected one of text, /],
    [inFiles({ text: '', fifo: true }), /files\.\/a: text and fifo, expected one of text, /],
    [inFiles({ text: '', opaque: true }), /files\.\/a: "opaque", expected only text, mode, /],
    [inFiles({ base64: 'AQ=' }), /files\.\/a\.base64: "AQ=", expected base64$/],
    [inFiles({ blockDevice: [1] }), /blockDevice: an array, expected a major and a minor number$/],
    [inFiles({ fifo: false }), /fifo: false, expected true$/],
    [inFiles({ text: '', mode: 0o644 }), /mode: 420, expected four octal digits$/],
  ])('is refused: %j', (disk, message) => {
    expect(() => withDisk(disk)).toThrow(
      expect.objectContaining({ code: 'lock-invalid', message: expect.stringMatching(message) as string }),
    );
  });
});

describe('the differences from a lock', () => {
  const [app, site] = LOCK.references as [Lock['references'][number], Lock['references'][number]];

  it('are none where nothing differs, or only the place', () => {
    expect(inputDifferences(LOCK, LOCK)).toEqual([]);
    expect(resultDifferences(LOCK.result, LOCK.result)).toEqual([]);
    const elsewhere = { reference: 'docker-archive:app.tar', pinned: 'docker-archive:app.tar', layers: app.layers };
    expect(inputDifferences({ ...LOCK, references: [elsewhere, site] }, LOCK)).toEqual([]);
  });

  it('come most telling first, a line each', () => {
    const found = {
      formatVersion: 2,
      options: { ...LOCK.options, label: 'a b', inodes: 7, keepPermissions: undefined } as unknown as Lock['options'],
      references: [
        { ...app, manifest: digest('9'), platform: 'linux/amd64', layers: [{ diffId: digest('a') }, app.layers[1]!] },
        { reference: './si\nte', layers: [{ diffId: digest('b') }, { contents: digest('c') }] },
        site,
      ],
    };
    expect(inputDifferences(found, LOCK)).toEqual([
      'format version: 2, locked 1',
      'option label: "a b", locked "root"',
      'option keepPermissions: none, locked true',
      'option inodes: 7, locked none',
      'references: 3, locked 2',
      'reference 0 (oci:./app:latest): platform: linux/amd64, locked linux/arm64/v8',
      `reference 0 (oci:./app:latest): manifest: ${digest('9')}, locked ${digest('1')}`,
      'layers: 5, locked 3',
      `layer 0 (oci:./app:latest): diffID ${digest('a')}, locked diffID ${digest('3')}`,
      `layer 2 (./si\\x0ate): diffID ${digest('b')}, locked contents ${digest('6')}`,
    ]);
  });

  it('end with what was made', () => {
    const found = { tree: digest('0'), uuid: LOCK.result.uuid, size: 4096, sha256: '9'.repeat(64) };
    expect(resultDifferences(found, LOCK.result)).toEqual([
      `tree: ${digest('0')}, locked ${digest('7')}`,
      'size: 4096, locked 1048576',
      `image: ${'9'.repeat(64)}, locked ${'8'.repeat(64)}`,
    ]);
    expect(resultDifferences({ sha256: LOCK.result.sha256 }, LOCK.result)).toEqual([]);
  });
});
