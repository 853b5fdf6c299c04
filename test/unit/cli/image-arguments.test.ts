import { chmodSync, chownSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';
import { isThere, run, skipped } from '../../helpers/tools.ts';

const cwd = sharedScratch();
const layers = writeLayers(cwd);
const noDebugfs = !isThere('debugfs', ['-V']);

let built = 0;
/** Builds an image and gives its name. */
function build(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const file = `${built++}.img`;
  output(['build', ...args, '-o', file], { cwd, env });
  return file;
}

interface Inode {
  readonly mode: string;
  readonly owner: string;
  /** Change, access, modification and creation, in seconds and nanoseconds. */
  readonly times: readonly string[];
  readonly type: string;
}

/** What debugfs says of a path of an image. */
function inodeOf(file: string, path: string): Inode {
  const text = run('debugfs', ['-R', `stat "${path}"`, join(cwd, file)]).toString();
  const field = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? `no ${String(pattern)} of ${path}`;
  const times = [...text.matchAll(/^ ?[acm]r?time: 0x([\da-f]{8}):([\da-f]{8})/gm)].map(([, seconds, extra]) => {
    // The extra bits are two of the epoch and thirty of nanoseconds.
    const bits = Number.parseInt(extra!, 16);
    return `${(Number.parseInt(seconds!, 16) | 0) + (bits & 3) * 2 ** 32}.${bits >>> 2}`;
  });
  return {
    mode: field(/Mode: +(\d+)/),
    // It prints them signed.
    owner: [field(/User: +(-?\d+)/), field(/Group: +(-?\d+)/)].map((id) => Number(id) >>> 0).join(':'),
    times,
    type: field(/Type: (\w+)/),
  };
}

const four = (time: string): string[] => [time, time, time, time];

describe.skipIf(skipped(noDebugfs, 'debugfs is missing'))('--mtime', () => {
  const timesOf = (args: readonly string[], env?: Readonly<Record<string, string>>): readonly (readonly string[])[] => {
    const file = build([...layers, ...args], env);
    return ['/etc/hostname', '/bin/tool', '/srv'].map((path) => inodeOf(file, path).times);
  };

  it('is 2010-01-01 everywhere by default, or SOURCE_DATE_EPOCH', () => {
    expect(timesOf([])).toEqual([four('1262304000.0'), four('1262304000.0'), four('1262304000.0')]);
    expect(timesOf(['--mtime', 'fixed'], { SOURCE_DATE_EPOCH: '1600000000' })).toEqual(
      Array.from({ length: 3 }, () => four('1600000000.0')),
    );
    expect(timesOf([], { SOURCE_DATE_EPOCH: '' })[0]).toEqual(four('1262304000.0'));
  });

  it("clamps a layer's times", () => {
    expect(timesOf(['--mtime', 'clamp'])).toEqual([four('1262304000.0'), four('1000000000.0'), four('1262304000.0')]);
    expect(timesOf(['--mtime', 'clamp'], { SOURCE_DATE_EPOCH: '1650000000' })[0]).toEqual(four('1650000000.0'));
  });

  it("keeps a layer's times", () => {
    expect(timesOf(['--mtime', 'keep'])).toEqual([four('1700000000.0'), four('1000000000.0'), four('1262304000.0')]);
  });

  it('is a time that is given, whatever SOURCE_DATE_EPOCH says', () => {
    expect(timesOf(['--mtime', '2026-01-01'], { SOURCE_DATE_EPOCH: '5' })[1]).toEqual(four('1767225600.0'));
    expect(timesOf(['--mtime', '-1'])[0]).toEqual(four('-1.0'));
    expect(timesOf(['--mtime', '15032385535'])[0]).toEqual(four('15032385535.0'));
  });

  it('is refused where ext4 has no such time', () => {
    for (const [args, env] of [
      [['--mtime', '15032385536'], {}],
      [['--mtime', '-2147483649'], {}],
      [[], { SOURCE_DATE_EPOCH: '99999999999' }],
      [[], { SOURCE_DATE_EPOCH: '1e3' }],
      [[], { SOURCE_DATE_EPOCH: '-1' }],
    ] as const) {
      const { status, stderr } = blockloom(['hash', ...layers, ...args], { cwd, env });
      expect(stderr).toMatch(/^blockloom: [^\n]+\n$/);
      expect(status).toBe(2);
    }
  });
});

describe.skipIf(noDebugfs)('owners and modes', () => {
  it("are the layers', or one owner for everything", () => {
    const theirs = build(layers);
    expect(inodeOf(theirs, '/etc/hostname')).toMatchObject({ mode: '0644', owner: '5:6' });
    expect(inodeOf(theirs, '/bin/tool')).toMatchObject({ mode: '04755', owner: '0:0' });
    const ours = build([...layers, '--owner', '4294967294:70000']);
    for (const path of ['/', '/etc', '/etc/hostname', '/srv', '/sbin', '/null']) {
      expect(inodeOf(ours, path).owner, path).toBe('4294967294:70000');
    }
    expect(inodeOf(build([...layers, '--owner', '7']), '/etc').owner).toBe('7:7');
  });

  it('lose the bits of a mask, but for symlinks', () => {
    const file = build([...layers, '--chmod-mask', '4022']);
    expect(['/bin/tool', '/bin', '/etc/hostname'].map((path) => inodeOf(file, path).mode)).toEqual([
      '0755',
      '02755',
      '0644',
    ]);
    expect(inodeOf(file, '/sbin').mode).toBe(inodeOf(build(layers), '/sbin').mode);
  });

  it('of a host directory are 0:0 and by its execute bit, unless they are kept', () => {
    const folder = join(cwd, 'host');
    mkdirSync(folder);
    for (const [name, mode] of [
      ['plain', 0o600],
      ['program', 0o4711],
    ] as const) {
      writeFileSync(join(folder, name), name);
      chmodSync(join(folder, name), mode);
    }
    chmodSync(folder, 0o1700);
    const fixed = build(['host']);
    expect(inodeOf(fixed, '/')).toMatchObject({ mode: '0755', owner: '0:0' });
    expect(inodeOf(fixed, '/plain').mode).toBe('0644');
    expect(inodeOf(fixed, '/program').mode).toBe('0755');
    if (process.getuid?.() === 0) chownSync(join(folder, 'plain'), 12, 34);
    // chown takes set-id bits away.
    chmodSync(join(folder, 'program'), 0o4711);
    const kept = build(['host', '--keep-permissions']);
    expect(inodeOf(kept, '/').mode).toBe('01700');
    expect(inodeOf(kept, '/plain').mode).toBe('0600');
    expect(inodeOf(kept, '/program').mode).toBe('04711');
    expect(inodeOf(kept, '/plain').owner).toBe(process.getuid?.() === 0 ? '12:34' : inodeOf(kept, '/program').owner);
  });

  it('of a host directory do not hang on its times', () => {
    const before = output(['hash', 'host'], { cwd });
    utimesSync(join(cwd, 'host/plain'), 1, 1);
    expect(output(['hash', 'dir:host'], { cwd })).toBe(before);
  });
});

describe.skipIf(noDebugfs)('--symlinked-parents', () => {
  it('follows, replaces or refuses', () => {
    expect(inodeOf(build(layers), '/bin/app').type).toBe('regular');
    const replaced = build([...layers, '--symlinked-parents', 'replace']);
    expect(inodeOf(replaced, '/sbin').type).toBe('directory');
    expect(inodeOf(replaced, '/sbin/app').type).toBe('regular');
    const { status, stderr } = blockloom(['hash', ...layers, '--symlinked-parents', 'error'], { cwd });
    expect(stderr).toMatch(/^blockloom: layer 1 \(app\.tar\), entry sbin\/app, header at 0x200: [^\n]+\n$/);
    expect(status).toBe(3);
  });
});

describe('what is written into the superblock', () => {
  it('is the label and the UUID', () => {
    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    const bytes = readFileSync(join(cwd, build([...layers, '--label', 'wurzel ü', '--uuid', uuid])));
    expect(bytes.subarray(1024 + 0x78, 1024 + 0x88).toString()).toBe('wurzel ü'.padEnd(15, '\0'));
    expect(bytes.subarray(1024 + 0x68, 1024 + 0x78).toString('hex')).toBe(uuid.replaceAll('-', ''));
  });

  it('is a UUID that follows from the tree and the options, not from contents', () => {
    const uuidOf = (...args: string[]): string =>
      (JSON.parse(output(['measure', '--json', ...args], { cwd })) as { uuid: string }).uuid;
    writeFileSync(join(cwd, 'a.tar'), makeTar([{ name: 'file', data: 'one' }]));
    writeFileSync(join(cwd, 'b.tar'), makeTar([{ name: 'file', data: 'two' }]));
    writeFileSync(join(cwd, 'c.tar'), makeTar([{ name: 'other', data: 'one' }]));
    expect(uuidOf('b.tar')).toBe(uuidOf('a.tar'));
    expect(uuidOf('c.tar')).not.toBe(uuidOf('a.tar'));
    expect(uuidOf('a.tar', '--mtime', '1')).not.toBe(uuidOf('a.tar'));
  });

  it('is the size of blocks and the number of inodes', () => {
    const bytes = readFileSync(join(cwd, build([...layers, '--block-size', '1024', '--inodes', '5000'])));
    expect(bytes.readUInt32LE(1024 + 0x18)).toBe(0);
    expect(bytes.readUInt32LE(1024)).toBeGreaterThanOrEqual(5000);
  });
});

describe('--placement', () => {
  it('keeps the place of what is removed, or closes it', () => {
    const [base] = layers;
    const startOf = (path: string, ...args: string[]): number =>
      (JSON.parse(output(['map', '--json', '--path', path, ...args], { cwd })) as { start: number }[])[1]!.start;
    writeFileSync(join(cwd, 'gone.tar'), makeTar([{ name: 'etc/.wh.hostname' }]));
    expect(startOf('/bin/tool', base, 'gone.tar')).toBe(startOf('/bin/tool', base));
    expect(startOf('/bin/tool', base, 'gone.tar', '--placement', 'compact')).toBeLessThan(startOf('/bin/tool', base));
  });
});

describe('--json, --progress and --quiet', () => {
  let warning: string;
  beforeAll(() => {
    // No ext4 inode holds this time.
    writeFileSync(join(cwd, 'late.tar'), makeTar([{ name: 'late', mtime: 2 ** 35 }]));
    warning = blockloom(['hash', 'late.tar', '--mtime', 'keep'], { cwd }).stderr;
  });

  it('leave stdout to the result', () => {
    for (const style of ['auto', 'tty', 'plain', 'json', 'none']) {
      expect(JSON.parse(output(['hash', ...layers, '--json', '--progress', style], { cwd }))).toHaveProperty('digest');
    }
  });

  it('let a warning be one line, or none', () => {
    expect(warning).toMatch(/^blockloom: warning: [^\n]+\n$/);
    expect(blockloom(['hash', 'late.tar', '--mtime', 'keep', '-q'], { cwd }).stderr).toBe('');
  });

  it('show decompression and digesting as lines of JSON, when they take long', () => {
    const { stderr } = blockloom(['hash', ...layers, '--size', '2G', '--progress', 'json'], { cwd });
    const lines = stderr.split('\n').filter(Boolean);
    const told = lines.map((line) => JSON.parse(line) as { phase: string });
    for (const progress of told.filter(({ phase }) => phase === 'hashing'))
      expect(progress).toMatchObject({ bytes: { total: 2 ** 31, done: expect.any(Number) } });
    // Two GiB of zeros take longer than the time in which nothing is shown.
    expect(told.at(-1)).toMatchObject({ phase: 'hashing', bytes: { done: 2 ** 31 }, ended: true });
  });
});
