import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { byteString } from '../../src/core/bytes.ts';
import { output } from '../helpers/cli.ts';
import { mountImage, type MountedName, walkMounted, xattrsOfMounted } from '../helpers/mount.ts';
import { sharedScratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const hasTools = requireTools('skopeo', 'umoci', 'getfattr', 'root');

/** Every way in which a layer changes those below it, in layers as umoci reads them. */
const STACK: readonly (readonly TarEntry[])[] = [
  [
    { name: './', mode: 0o755, mtime: 1_600_000_000 },
    { name: 'etc/', mode: 0o755 },
    { name: 'etc/passwd', data: 'root:x:0:0\n', mode: 0o640, uid: 3, gid: 4, mtime: 1_600_000_001 },
    { name: 'etc/old/', mode: 0o700 },
    { name: 'etc/old/a', data: 'a' },
    { name: 'opaque/', mode: 0o755 },
    { name: 'opaque/gone', data: 'gone' },
    { name: 'usr/lib/', mode: 0o755 },
    { name: 'usr/lib/x', data: 'x'.repeat(9000), mode: 0o4755 },
    { name: 'usr/lib/y', type: 'hardlink', linkName: 'usr/lib/x' },
    { name: 'lib', type: 'symlink', linkName: 'usr/lib', mode: 0o777 },
    { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
    { name: 'pipe', type: 'fifo' },
    { name: 'attr', data: 'attr', xattrs: { 'user.a': 'b\0c' } },
    { name: 'file-to-directory', data: 'file' },
    { name: 'directory-to-file/', mode: 0o755 },
    { name: 'directory-to-file/x', data: 'x' },
  ],
  [
    { name: 'etc/.wh.old' },
    { name: 'opaque/', mode: 0o711 },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/new', data: 'new' },
    { name: 'lib/through', data: 'through' },
    { name: 'file-to-directory/', mode: 0o755 },
    { name: 'file-to-directory/inside', data: 'inside' },
    { name: 'directory-to-file', data: 'file' },
    { name: 'usr/lib/z', type: 'hardlink', linkName: 'usr/lib/x' },
  ],
  [
    { name: 'etc/', mode: 0o750, uid: 7 },
    { name: 'etc/old/', mode: 0o755 },
    { name: 'usr/lib/.wh.x' },
    { name: '.wh.null' },
  ],
];

/** What of a name umoci and the image have to agree about. */
function described(names: readonly MountedName[], xattrs: ReadonlyMap<string, Record<string, string>>): string[] {
  const lines = names.map(({ path, stat, content }) => {
    const { mode, uid, gid, rdev, nlink } = stat;
    const size = stat.isDirectory() ? 0n : stat.size;
    const links = stat.isDirectory() ? 0n : nlink;
    return [path, mode.toString(8), uid, gid, rdev, size, links, content, JSON.stringify(xattrs.get(path) ?? {})].join(
      ' ',
    );
  });
  return lines.toSorted();
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.skipIf(!hasTools)('an image made by umoci and copied by skopeo', () => {
  const folder = sharedScratch();
  const at = (name: string): string => join(folder, name);
  const tars: string[] = [];
  let expected = '';
  const hash = (...references: string[]): string => output(['hash', ...references], { cwd: folder });

  beforeAll(() => {
    if (!hasTools) return;
    run('umoci', ['init', '--layout', at('made')]);
    run('umoci', ['new', '--image', `${at('made')}:app`]);
    for (const [i, entries] of STACK.entries()) {
      writeFileSync(at(`${i}.tar`), makeTar(entries));
      tars.push(`${i}.tar`);
      run('umoci', ['raw', 'add-layer', '--image', `${at('made')}:app`, at(`${i}.tar`)]);
    }
    expected = hash(...tars);
  });

  it.each([
    ['oci:copy:app', []],
    ['oci-archive:archive.tar:app', []],
    ['docker-archive:docker.tar:app:latest', []],
    ['oci:zstd:app', ['--dest-compress-format', 'zstd']],
    ['oci:plain:app', ['--dest-decompress']],
  ])('is the same image as %s', (reference, options) => {
    run('skopeo', ['copy', '--quiet', ...options, 'oci:made:app', reference], { cwd: folder });
    expect(hash(reference)).toBe(expected);
  });

  it('is the same image from an archive that is compressed whole', () => {
    run('skopeo', ['copy', '--quiet', 'oci:made:app', 'docker-archive:whole.tar:app:latest'], { cwd: folder });
    run('gzip', ['whole.tar'], { cwd: folder });
    expect(hash('docker-archive:whole.tar.gz')).toBe(expected);
  });

  it('is the tree that umoci unpacks', () => {
    run('umoci', ['raw', 'unpack', '--image', `${at('made')}:app`, at('bundle')]);
    output(['build', 'oci:made:app', '--mtime', 'keep', '-o', 'app.img'], { cwd: folder });
    run('e2fsck', ['-fn', at('app.img')]);
    const mounted = mountImage(at('app.img'));
    const ours = described(walkMounted(mounted), xattrsOfMounted(mounted));
    const theirs = described(walkMounted(at('bundle')), xattrsOfMounted(at('bundle')));
    expect(ours).toEqual(theirs);
    expect(ours).toContain('usr/lib/z 104755 0 0 0 9000 2 ' + sha256Of('x'.repeat(9000)) + ' {}');
  });

  it('is taken from an index by its platform', () => {
    run('umoci', ['init', '--layout', at('other')]);
    run('umoci', ['new', '--image', `${at('other')}:arm`]);
    run('umoci', ['config', '--image', `${at('other')}:arm`, '--architecture', 'arm64']);
    mkdirSync(at('multi'));
    cpSync(at('made'), at('multi'), { recursive: true });
    cpSync(join(at('other'), 'blobs'), join(at('multi'), 'blobs'), { recursive: true });
    const manifestOf = (layout: string, tag: string, architecture: string): object => {
      const raw = run('skopeo', ['inspect', '--raw', `oci:${layout}:${tag}`], { cwd: folder });
      const digest = `sha256:${execFileSync('sha256sum', { input: raw }).toString().slice(0, 64)}`;
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      return { mediaType, digest, size: raw.length, platform: { os: 'linux', architecture } };
    };
    const manifests = [manifestOf('other', 'arm', 'arm64'), manifestOf('made', 'app', 'amd64')];
    writeFileSync(join(at('multi'), 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    // One manifest of a layout's index is one image; several of several platforms have to be named or be in an index.
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
    const digest = execFileSync('sha256sum', { input: index }).toString().slice(0, 64);
    writeFileSync(join(at('multi'), 'blobs/sha256', digest), index);
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const top = { schemaVersion: 2, manifests: [{ mediaType, digest: `sha256:${digest}`, size: index.length }] };
    writeFileSync(join(at('multi'), 'index.json'), JSON.stringify(top));
    expect(hash('oci:multi', '--platform', 'linux/amd64')).toBe(expected);
    expect(hash('oci:multi', '--platform', 'linux/arm64')).not.toBe(expected);
  });

  it('names who cannot be read', () => {
    expect(byteString(run('skopeo', ['--version']))).toContain('skopeo');
    expect(() => hash('oci:made:none')).toThrow('oci:made:none: made has no image "none": its tags are "app"');
  });
});
