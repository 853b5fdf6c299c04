import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const cwd = sharedScratch();
const [base, app] = writeLayers(cwd);
const json = (...args: string[]): unknown => JSON.parse(output([...args, '--json'], { cwd }));

beforeAll(() => {
  output(['build', base, app, '-o', 'disk.img'], { cwd });
});

describe('ls', () => {
  it('lists a directory of an image, the same from its file and from its layers', () => {
    const names = output(['ls', 'disk.img'], { cwd });
    expect(names.split('\n')).toEqual(['bin', 'etc', 'holes', 'long', 'lost+found', 'null', 'sbin', 'srv']);
    expect(output(['ls', base, '--layer', app], { cwd })).toBe(names);
    expect(output(['ls', 'disk.img', 'sbin'], { cwd }).split('\n')).toEqual(['app', 'same', 'tool']);
    expect(output(['ls', 'disk.img', '-R', '/srv'], { cwd })).toBe('new');
    expect(output(['ls', 'disk.img', '/etc/hostname'], { cwd })).toBe('etc/hostname');
  });

  it('reads what a definition describes, with more layers on top', () => {
    writeFileSync(join(cwd, 'image.yaml'), `blockloom: 1\nlayers: [./${base}]\nfilesystem: { label: named }\n`);
    expect(output(['ls', 'image.yaml', '--layer', app], { cwd })).toBe(output(['ls', 'disk.img'], { cwd }));
    expect(output(['inspect', 'image.yaml'], { cwd })).toMatch(/^label +named$/m);
    expect(blockloom(['diff', 'disk.img', 'image.yaml', '--layer', app, '--only', 'paths'], { cwd }).status).toBe(0);
    expect(blockloom(['ls', 'none.yaml'], { cwd }).stderr).toContain('none.yaml');
  });

  it('says all of an inode', () => {
    const lines = output(['ls', '-l', 'disk.img'], { cwd }).split('\n');
    expect(lines[0]).toBe('drwxrwsr-x    2     0     0       4096 2010-01-01T00:00:00Z bin');
    expect(lines[5]).toBe('crw-r--r--    1     0     0       1, 3 2010-01-01T00:00:00Z null');
    expect(lines[6]).toMatch(/^l.* sbin -> bin$/);
    expect(json('ls', 'disk.img', '/etc')).toMatchObject([
      {
        path: 'hostname',
        type: 'file',
        mode: '0644',
        uid: 5,
        gid: 6,
        size: 5,
        links: 1,
        mtime: '2010-01-01T00:00:00Z',
      },
    ]);
  });
});

describe('tree', () => {
  it('draws it, as deep as asked', () => {
    const tree = (...args: string[]): string => Buffer.from(output(['tree', ...args], { cwd }), 'latin1').toString();
    const [first, ...lines] = tree('disk.img', '-L', '1').split('\n');
    expect(first).toBe('/');
    expect(lines.slice(0, 2)).toEqual(['├── bin', '├── etc']);
    expect(lines.slice(-3)).toEqual(['└── srv', '', '4 directories, 4 files']);
    expect(tree('disk.img', 'srv')).toBe('srv\n└── new\n\n0 directories, 1 file');
  });
});

describe('cat', () => {
  it('writes files one after another, behind symlinks and with their holes', () => {
    expect(blockloom(['cat', 'disk.img', 'etc/hostname', '/sbin/app'], { cwd }).stdout).toBe('loom\napp');
    const holes = blockloom(['cat', 'disk.img', 'holes'], { cwd }).stdout;
    expect(holes).toBe('\0'.repeat(1 << 19) + 'y'.repeat(5000) + '\0'.repeat((1 << 19) - 5000));
  });

  it('says what is not there, or no file', () => {
    expect(blockloom(['cat', 'disk.img', 'etc/x'], { cwd })).toMatchObject({
      status: 3,
      stderr: 'blockloom: the image has no etc/x: /etc is a directory without that name\n',
    });
    expect(blockloom(['cat', 'disk.img', 'etc'], { cwd })).toMatchObject({ status: 3, stdout: '' });
    expect(blockloom(['ls', base, '--layer', 'disk.img'], { cwd }).status).toBe(3);
  });
});

describe('export', () => {
  it('writes a tar, the whole or a part of it', () => {
    const piped = blockloom(['export', 'disk.img'], { cwd }).stdout;
    output(['export', 'disk.img', '-o', 'whole.tar'], { cwd });
    expect(readFileSync(join(cwd, 'whole.tar'), 'latin1')).toBe(piped);
    expect(blockloom(['export', 'disk.img', '-o', 'whole.tar'], { cwd }).status).toBe(1);
    output(['export', 'disk.img', '/etc', '-o', 'etc.tar'], { cwd });
    expect(output(['ls', 'etc.tar'], { cwd })).toBe('hostname\nlost+found');
    output(['export', 'disk.img', 'etc/hostname', '-o', 'one.tar'], { cwd });
    expect(blockloom(['cat', 'one.tar', 'hostname'], { cwd }).stdout).toBe('loom\n');
  });

  it('writes a layer relative to others', () => {
    output(['export', 'disk.img', '--relative-to', base, '-o', 'top.tar'], { cwd });
    expect(blockloom(['diff', 'disk.img', base, '--layer', 'top.tar', '--only', 'paths'], { cwd })).toMatchObject({
      status: 0,
    });
    const none = ['export', 'disk.img', '--relative-to', base, '--relative-to', app, '-o', 'none.tar'];
    output(none, { cwd });
    expect(readFileSync(join(cwd, 'none.tar'))).toEqual(Buffer.alloc(1024));
    expect(blockloom(['export', 'disk.img', '/etc', '--relative-to', base], { cwd }).status).toBe(2);
  });
});

describe('inspect', () => {
  it('prints the record, with the layers that are embedded, and nothing that does something to a terminal', () => {
    const inspected = output(['inspect', base, '--embed-inputs', '--label', 'a\u001b[2J'], { cwd });
    const diffId = createHash('sha256')
      .update(readFileSync(join(cwd, base)))
      .digest('hex');
    expect(inspected).toMatch(/^options +blockSize 4096, free 0, label a\\x1b\[2J, placement stable, /m);
    expect(inspected).toMatch(new RegExp(`^tree +sha256:[0-9a-f]{64}\ninput +diffID sha256:${diffId}\n`, 'm'));
    expect(json('inspect', base, '--embed-inputs')).toMatchObject({
      record: { inputs: [{ diffId: `sha256:${diffId}` }] },
    });
  });

  it('says what the filesystem is, and how it was made', () => {
    expect(json('inspect', 'disk.img')).toMatchObject({
      filesystem: { blockSize: 4096, isClean: true, needsRecovery: false, mounts: 0, mounted: null, label: '' },
      record: { formatVersion: 1, options: { placement: 'stable' } },
      sources: [],
    });
    expect(json('inspect', base, '--label', 'root')).toMatchObject({
      filesystem: { label: 'root' },
      sources: [{ reference: base }],
    });
    expect(output(['inspect', 'disk.img'], { cwd })).toMatch(/^features +ext_attr .*\nstate +clean$/m);
  });
});

describe('diff', () => {
  it('says nothing of the same, with exit status 0', () => {
    const { status, stdout } = blockloom(['diff', 'disk.img', base, '--layer', app], { cwd });
    expect([status, stdout]).toEqual([
      0,
      'paths    0 added, 0 removed, 0 changed, 13 the same\n' +
        'blocks   0 of 512 of 4 KiB differ (0.0 %)\nchunks   0 of 4 of 512 KiB differ (0.0 %)\n',
    ]);
  });

  it('says what differs, with exit status 4', () => {
    writeFileSync(join(cwd, 'more.tar'), makeTar([{ name: 'etc/hostname', data: 'warp\n', uid: 5, gid: 6 }]));
    const more = ['diff', 'disk.img', base, '--layer', app, '--layer', 'more.tar'];
    const { status, stdout } = blockloom([...more, '--only', 'paths'], { cwd });
    expect([status, stdout]).toEqual([
      4,
      'changed  /etc/hostname  (content)\npaths    0 added, 0 removed, 1 changed, 12 the same\n',
    ]);
    const parsed = JSON.parse(blockloom([...more, '--json'], { cwd }).stdout) as { blocks: { different: number } };
    expect(parsed).toMatchObject({
      differences: [{ kind: 'changed', path: 'etc/hostname', how: ['content'], before: { size: 5 } }],
      same: false,
      paths: { changed: 1 },
    });
    expect(parsed.blocks.different).toBeGreaterThan(2);
  });

  it('is of two images', () => {
    expect(blockloom(['diff', 'disk.img'], { cwd }).status).toBe(2);
  });
});
