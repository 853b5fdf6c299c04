import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { folderAt } from '../../../src/definition/folder.ts';
import { parseDefinition, readDefinition } from '../../../src/definition/read-definition.ts';
import { uuidBytes } from '../../../src/core/ext4/uuid.ts';
import { scratch } from '../../helpers/scratch.ts';

const parse = (text: string): unknown =>
  JSON.parse(JSON.stringify(parseDefinition(text, 'image.yaml', folderAt('.')))) as unknown;
/** The definition of one inline entry at `/a`. */
const entry = (yaml: string): string => `blockloom: 1\nlayers:\n  - files:\n      /a: ${yaml}\n`;
const entryOf = (yaml: string): unknown =>
  (parse(entry(yaml)) as { layers: [{ files: { '/a': unknown } }] }).layers[0].files['/a'];

describe('a definition', () => {
  it("takes a path alone for a file of this host in a disk's EFI system partition", () => {
    const files = '{ /EFI/BOOT/BOOTX64.EFI: ./boot.efi, /loader/loader.conf: { text: "timeout 0" } }';
    const { disk } = parseDefinition(
      `blockloom: 1\nlayers: [base.tar]\ndisk: { table: gpt, esp: { files: ${files} } }`,
      'image.yaml',
      folderAt('.'),
    );
    expect(disk?.esp?.layers).toMatchObject([
      {
        files: {
          '/EFI/BOOT/BOOTX64.EFI': { file: './boot.efi' },
          '/loader/loader.conf': { text: 'timeout 0' },
        },
      },
    ]);
  });

  it('is the options of openImage', () => {
    const text = `
blockloom: 1
layers:
  - base.tar
  - oci:./app:latest
  - { tar: ./site.tgz, at: /srv/www }
  - { docker: localhost:5000/app, at: / }
  - { oci-archive: a.tar:x }
filesystem: { type: ext4, journal: 4M, features: '64bit', mount_options: 'acl,discard', label: root, free: 10%, size: 1.5G, device_size: 2G, inodes: 20, block_size: 1K, placement: compact, uuid: 01234567-89ab-cdef-0123-456789abcdef }
mtime: 2026-01-01T00:00:00Z
owner: 5:6
chmod_mask: 022
keep_permissions: true
symlinked_parents: replace
platform: linux/arm64
embed_inputs: false
format_version: 1
`;
    expect(parseDefinition(text, 'image.yaml', folderAt('.'))).toEqual({
      layers: [
        'base.tar',
        'oci:./app:latest',
        { reference: './site.tgz', at: '/srv/www' },
        { reference: 'docker://localhost:5000/app', at: '/' },
        'oci-archive:a.tar:x',
      ],
      fs: 'ext4',
      journal: 2 ** 22,
      features: ['64bit'],
      mountOptions: ['acl', 'discard'],
      label: 'root',
      free: { percent: 10 },
      size: 1.5 * 2 ** 30,
      deviceSize: 2 ** 31,
      inodes: 20,
      blockSize: 1024,
      placement: 'compact',
      uuid: uuidBytes('0123456789abcdef0123456789abcdef'),
      mtime: Date.UTC(2026, 0) / 1000,
      owner: { uid: 5, gid: 6 },
      chmodMask: 0o22,
      keepPermissions: true,
      symlinkedParents: 'replace',
      platform: 'linux/arm64',
      embedInputs: false,
      formatVersion: 1,
    });
  });

  it('is JSON too', () => {
    expect(parse('{"blockloom": 1, "layers": ["a.tar"], "owner": "1:2", "chmod_mask": "022", "mtime": 5}')).toEqual({
      layers: ['a.tar'],
      owner: { uid: 1, gid: 2 },
      chmodMask: 0o22,
      mtime: 5,
    });
  });

  it('has entries of every kind', () => {
    expect(entryOf('{ text: "x\\n", mode: 0600, owner: 1:2, mtime: 1970-01-02, xattrs: { user.a: b } }')).toEqual({
      text: 'x\n',
      mode: 0o600,
      owner: { uid: 1, gid: 2 },
      mtime: 86_400,
      xattrs: { 'user.a': 'b' },
    });
    const kinds = ['{ symlink: ../b }', '{ hardlink: /b }', '{ directory: true, opaque: true }', '{ fifo: true }'];
    expect([...kinds, '{ char: [1, 3] }', '{ block: [8, 0] }', '{ remove: true }'].map(entryOf)).toEqual([
      { symlink: '../b' },
      { hardLink: '/b' },
      { directory: true, opaque: true },
      { fifo: true },
      { characterDevice: [1, 3] },
      { blockDevice: [8, 0] },
      { remove: true },
    ]);
    expect(entryOf('{ base64: "AP8=" }')).toEqual({ bytes: { 0: 0, 1: 255 } });
  });

  it.each(['0644', '0o644', "'0644'", '"0o644"', '00644'])('takes the mode %s as octal', (mode) => {
    expect(entryOf(`{ fifo: true, mode: ${mode} }`)).toMatchObject({ mode: 0o644 });
  });

  it('may repeat itself with aliases', () => {
    const text = `blockloom: 1\nlayers:\n  - files:\n      /a: &entry { text: x }\n      /b: *entry\n`;
    expect(parse(text)).toEqual({ layers: [{ files: { '/a': { text: 'x' }, '/b': { text: 'x' } } }] });
  });

  it('names paths from its own folder', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'sub'));
    const path = join(folder, 'sub/image.yaml');
    writeFileSync(
      path,
      'blockloom: 1\nlayers: [a.tar, "oci:./x:tag", "dir:../d", { files: { /f: { file: f } } }, /abs, { tar: "odd:name" }]\n',
    );
    const { layers } = await readDefinition(path);
    const [from, to] = [process.cwd(), join(folder, 'sub')];
    const at = (name: string): string => relative(from, join(to, name));
    expect(layers).toEqual([
      at('a.tar'),
      `oci:${at('x')}:tag`,
      `dir:${at('../d')}`,
      { files: { '/f': { file: at('f') } } },
      '/abs',
      at('odd:name'),
    ]);
  });

  it('comes from standard input, which then is no layer', async () => {
    const stdin = (layer: string): Readable => Readable.from([Buffer.from(`blockloom: 1\nlayers: [${layer}]\n`)]);
    expect((await readDefinition('-', stdin('a.tar'))).layers).toEqual(['a.tar']);
    await expect(readDefinition('-', stdin('"-"'))).rejects.toThrow(
      'the layer - is standard input, as the definition is',
    );
  });

  it('is text of a bounded size that is there', async () => {
    const path = join(scratch(), 'x.yaml');
    await expect(readDefinition(path)).rejects.toMatchObject({ code: 'layer-not-found' });
    writeFileSync(path, Buffer.from([0x61, 0xff]));
    await expect(readDefinition(path)).rejects.toThrow(`${path}: it is not text in UTF-8`);
    writeFileSync(path, '#'.repeat(1024 * 1024 + 1));
    await expect(readDefinition(path)).rejects.toThrow('it has over 1048576 bytes, expected a definition');
  });
});

const layers = (rest: string): string => `blockloom: 1\nlayers: [a]\n${rest}`;
const LONG = 'expected one of text, base64, file, symlink, hardlink, directory, char, block, fifo, remove';

/** What is wrong, and what is said of it after `image.yaml:`. */
const MISTAKES: readonly (readonly [string, string])[] = [
  ['', '1:1: it is empty, expected a map with blockloom: 1 and layers'],
  ['just text', '1:1: found "just text", expected a map of blockloom, layers,'],
  ['- a', '1:1: found a list, expected a map of'],
  ['blockloom: 1', '1:1: the key "layers" is missing'],
  ['layers: [a]', '1:1: the key "blockloom" is missing'],
  ['blockloom: 2\nlayers: [a]', '1:12: blockloom: found 2, expected 1'],
  ['blockloom: 1\nlayers: []', '2:9: layers: found a list, expected a list of layers'],
  ['blockloom: 1\nlayer: [a]', '2:1: found the unknown key "layer", did you mean "layers"?'],
  ['blockloom: 1\nlayers: a', '2:9: layers: found "a", expected a list of layers'],
  ['blockloom: 1\nlayers: [5]', '2:10: layers[0]: found 5, expected a reference, or a map with one of'],
  ['blockloom: 1\nlayers: [{ tar: a, dir: b }]', '2:10: layers[0]: found both tar and dir, expected one of'],
  ['blockloom: 1\nlayers: [{ at: /a }]', '2:10: layers[0]: found no layer, expected one of'],
  ['blockloom: 1\nlayers: [{ tar: a, at: b }]', '2:10: layers[0]: the path b does not begin with /'],
  ['blockloom: 1\nlayers: ["nope:x"]', '2:10: layers[0]: no layers are read from nope:'],
  ['blockloom 1\nlayers: [a]', '1:1: found text on several lines, expected KEY: VALUE; a colon may be missing'],
  ['blockloom: 1\nlayers:\n\t- a', '3:1: tabs are not allowed as indentation'],
  ['blockloom: 1\nlayers: ["a]', '2:13: missing closing "quote'],
  ['{"blockloom": 1,\n"layers" ["a"]}', '2:10: missing , or : between flow map items'],
  [layers('---\nx: 1'), '3:1: a second document begins, expected one'],
  [layers('disk: {}'), '3:7: disk: the key "table" is missing'],
  [layers('disk: { table: dos }'), '3:16: disk.table: found "dos", expected gpt or mbr'],
  [
    layers('disk: { table: gpt, esp: { files: { /a: 5 } } }'),
    '3:41: disk.esp.files["/a"]: found 5, expected a path of',
  ],
  [layers('disk: { table: gpt, dax: true }'), '3:7: disk: found dax, expected it with table: mbr only'],
  [
    layers('disk: { table: gpt, partitions: [{ type: swap }] }'),
    '3:34: disk.partitions[0]: found nothing that it holds, expected',
  ],
  [
    layers('disk: { table: gpt, partitions: [{ swap: 1M, empty: 1M }] }'),
    '3:34: disk.partitions[0]: found both swap and empty, expected one of',
  ],
  [
    layers('disk: { table: gpt, partitions: [{ swap: 1M, size: 1M }] }'),
    '3:34: disk.partitions[0]: found size, expected it with file only',
  ],
  [
    layers('disk: { table: gpt, partitions: [{ empty: 1M, filesystem: {} }] }'),
    '3:34: disk.partitions[0]: found filesystem, expected it with layers only',
  ],
  [layers('boot: { loader: grub }'), '3:17: boot.loader: found "grub", expected systemd-boot or uki'],
  [layers('boot: { timeout: soon }'), '3:18: boot.timeout: found "soon", expected a number of seconds'],
  [layers('filesystem: { lable: x }'), '3:15: filesystem: found the unknown key "lable", did you mean "label"?'],
  [layers('filesystem: { type: ntfs }'), '3:21: filesystem.type: found "ntfs", expected ext4'],
  [layers('filesystem: { label: 5 }'), '3:22: filesystem.label: found 5, expected text: put it in quotes'],
  [
    layers('filesystem: { size: 5X }'),
    '3:21: filesystem.size: found "5X", expected a number of bytes, or of K, M, G or T: 512M',
  ],
  [layers('filesystem: [a]'), '3:13: filesystem: found a list, expected a map of type, fat_bits'],
  [layers('mtime: yesterday'), '3:8: mtime: found "yesterday", expected fixed, clamp, keep, seconds since 1970'],
  [layers('keep_permissions: yes'), '3:19: keep_permissions: found "yes", expected true or false'],
  [layers('owner: root'), '3:8: owner: found "root", expected an owner as UID:GID, in numbers'],
  [layers('owner: 1:1\nowner: 2:2'), '4:1: found the key "owner" again, it stands at line 3'],
  [layers('owner: !!str 1'), '3:14: found the tag tag:yaml.org,2002:str, expected none'],
  [`%YAML 1.1\n---\n${layers('')}`, '1:1: found a %YAML directive, expected none: definitions are YAML 1.2'],
  [layers('filesystem: { <<: { label: x } }'), '3:15: filesystem: found the unknown key "<<"'],
  [layers('owner: *x'), '3:8: the alias *x is not defined before it'],
  ['blockloom: 1\nlayers: &a [*a]', '2:13: the alias *a is not defined before it'],
  [layers('5: x'), '3:1: found a key that is not text'],
  [layers('"\\e[0m": x'), '3:1: found the unknown key "\\x1b[0m", expected one of'],
  ['blockloom: 1\nlayers: ["\\ud800"]', '2:10: found text that is not Unicode'],
  [entry('text'), `4:11: layers[0].files["/a"]: found "text", expected a map with one of text`],
  [entry('{ txt: x }'), '4:13: layers[0].files["/a"]: found the unknown key "txt", did you mean "text"?'],
  [entry('{ mode: 0644 }'), `4:11: layers[0].files["/a"]: found nothing that it is, ${LONG}`],
  [entry('{ text: x, file: y }'), `4:11: layers[0].files["/a"]: found both text and file, ${LONG}`],
  [
    entry('{ text: x, mode: 755 }'),
    '4:28: layers[0].files["/a"].mode: found 755, expected octal digits with a leading 0, in JSON in quotes: 0644',
  ],
  [entry('{ text: x, mode: "0800" }'), '4:28: layers[0].files["/a"].mode: found "0800", expected octal digits'],
  [entry('{ text: x, opaque: true }'), '4:11: layers[0].files["/a"]: found opaque, expected it with directory only'],
  [
    entry('{ remove: true, mode: 0644 }'),
    '4:11: layers[0].files["/a"]: found mode with remove, which has none of its own',
  ],
  [
    entry('{ hardlink: /b, owner: 0:0 }'),
    '4:11: layers[0].files["/a"]: found owner with hardlink, which has none of its own',
  ],
  [entry('{ hardlink: b }'), '4:11: layers[0].files["/a"]: the path b does not begin with /'],
  [
    entry('{ symlink: "" }'),
    '4:22: layers[0].files["/a"].symlink: found "", expected a symlink\'s text: /usr/share/zoneinfo/UTC',
  ],
  [
    entry('{ char: 1 }'),
    '4:19: layers[0].files["/a"].char: found 1, expected a list of a major and a minor number: [1, 3]',
  ],
  [
    entry('{ char: [1, 1048576] }'),
    '4:11: layers[0].files["/a"]: a minor number of 1048576, 0 to 1048575 are possible',
  ],
  [entry('{ fifo: false }'), '4:19: layers[0].files["/a"].fifo: found false, expected true'],
  [entry('{ base64: "a$" }'), '4:21: layers[0].files["/a"].base64: found "a$", expected base64'],
  [
    entry('{ text: x, xattrs: { comment.: y } }'),
    '4:11: layers[0].files["/a"]: an extended attribute with the name "comment."',
  ],
  [entry('{ text: x }\n      /a/b: { text: x }'), '5:13: layers[0].files["/a/b"]: /a is not a directory, and holds it'],
  [entry('{ text: x }\n      //a/: { text: x }'), '5:7: layers[0].files: found "//a/", which is "/a" again'],
  [entry('{ text: x }\n      a: { text: x }'), '5:7: layers[0].files: the path a does not begin with /'],
  [entry('{ text: x }\n      /b/../c: { text: x }'), '5:7: layers[0].files: the path /b/../c has . or .. in it'],
  [
    entry('{ text: x }\n      /.wh.b: { text: x }'),
    '5:7: layers[0].files: the path /.wh.b has a name that begins with .wh., which',
  ],
  [entry('{ text: x }\n      /: { text: x }'), '5:10: layers[0].files["/"]: the root can only be a directory'],
];

describe('a mistake', () => {
  it.each(MISTAKES)('in %j is told with its place', (text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'definition-invalid',
        message: expect.stringContaining(`image.yaml:${message}`) as unknown,
      }) as Error,
    );
  });

  it.each(['[', '{a: ', '- ', '? '])('of nesting without end, %j, is seen before it costs', (text) => {
    expect(() => parse(text.repeat(100_000))).toThrow('lists and maps are nested too deep');
  });

  it('of aliases in aliases has an end', () => {
    const entries = Array.from({ length: 2000 }, (_, i) => `/${i}: ${i === 0 ? '&e { text: x }' : '*e'}`).join(', ');
    const text = `blockloom: 1\nlayers:\n  - &l { files: { ${entries} } }\n${'  - *l\n'.repeat(2000)}`;
    expect(() => parse(text)).toThrow('its aliases repeat too much');
  });
});
