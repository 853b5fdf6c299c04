import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hashImage } from '../../../src/sinks/digest.ts';
import { openImage } from '../../../src/image/open-image.ts';
import { openLayers } from '../../../src/sources/open-layers.ts';
import { json, writeBlob, writeImageBlobs, writeIndex, writeLayout } from '../../helpers/oci-layout.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../../helpers/tar-writer.ts';
import { zstdFrame } from '../../helpers/zstd-writer.ts';

const base = makeTar([{ name: 'etc/' }, { name: 'etc/a', data: 'a' }, { name: 'b', data: new Uint8Array(100_000) }]);
const top = makeTar([{ name: 'etc/.wh.a' }, { name: 'etc/c', data: 'c' }]);
const layers = [base, top];
const openFiles = (): number => readdirSync('/proc/self/fd').length;

async function digestOf(references: readonly string[], cache: string | false): Promise<string> {
  const image = await openImage({ layers: references, cache, platform: 'linux/amd64' });
  try {
    return await hashImage(image, 'sha256', {});
  } finally {
    image.close();
  }
}

describe('oci:', () => {
  it.each([
    ['gzip', undefined],
    ['zstd', zstdFrame],
    ['plain', (tar: Uint8Array) => tar],
  ])('gives the layers of %s as their tars do, again and again', async (_, compress) => {
    const directory = scratch();
    writeLayout(join(directory, 'image'), [{ tag: 'app', layers, ...(compress !== undefined && { compress }) }]);
    const tars = layers.map((tar, i) => {
      writeFileSync(join(directory, `${i}.tar`), tar);
      return join(directory, `${i}.tar`);
    });
    const expected = await digestOf(tars, false);
    const cache = join(directory, 'cache');
    for (const reference of [`oci:${directory}/image`, `oci:${directory}/image:app`])
      for (const where of [cache, cache, false] as const) expect(await digestOf([reference], where)).toBe(expected);
  });

  it('tells which image it was', async () => {
    const directory = scratch();
    writeLayout(directory, [
      { tag: 'a', layers },
      { tag: 'b', layers: [top] },
    ]);
    const opened = await openLayers([`oci:${directory}:b`, `oci:${directory}:a`], { cache: false });
    for (const { blob } of opened.layers) blob.close();
    expect(opened.layers.map(({ reference }) => reference.at(-1))).toEqual(['b', 'a', 'a']);
    const pinned = opened.references[0]?.origin?.pinned ?? '';
    expect(pinned).toMatch(/^oci:.*:sha256:[0-9a-f]{64}$/);
    const again = await openLayers([pinned], { cache: false });
    for (const { blob } of again.layers) blob.close();
    expect(again.layers.map(({ diffId }) => diffId)).toEqual(opened.layers.slice(0, 1).map(({ diffId }) => diffId));
  });

  it('takes the platform that is asked for, through indexes', async () => {
    const directory = scratch();
    const [arm64, amd64] = ['arm64', 'amd64'].map((architecture) => {
      const platform = { os: 'linux', architecture };
      return {
        ...writeImageBlobs(directory, { layers: architecture === 'arm64' ? [base] : layers, platform }),
        platform,
      };
    });
    const index = 'application/vnd.oci.image.index.v1+json';
    const inner = writeBlob(directory, index, json({ schemaVersion: 2, manifests: [arm64, amd64] }));
    writeIndex(directory, [inner]);
    const count = async (platform: string): Promise<number> => {
      const opened = await openLayers([`oci:${directory}`], { cache: false, platform });
      // What it is pinned to is below the index, and found there.
      const pinned = await openLayers([opened.references[0]!.origin!.pinned], { cache: false, platform });
      for (const { blob } of [...opened.layers, ...pinned.layers]) blob.close();
      expect(pinned.layers.map(({ diffId }) => diffId)).toEqual(opened.layers.map(({ diffId }) => diffId));
      return opened.layers.length;
    };
    expect([await count('linux/arm64'), await count('linux/amd64')]).toEqual([1, 2]);
    await expect(count('linux/s390x')).rejects.toThrow('it has linux/arm64, linux/amd64');
  });

  it.each([
    ['plain', /digest-mismatch/],
    ['gzip', /digest-mismatch|layer-corrupt/],
  ])('finds a damaged blob, %s', async (form, code) => {
    const directory = scratch();
    const compress = form === 'plain' ? { compress: (tar: Uint8Array) => tar } : {};
    writeLayout(directory, [{ layers: [base], ...compress }]);
    const blobs = join(directory, 'blobs/sha256');
    const path = readdirSync(blobs)
      .map((name) => join(blobs, name))
      .find((each) => readFileSync(each)[0] !== 0x7b)!;
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    const cache = scratch();
    const opening = openLayers([`oci:${directory}`], { cache });
    await expect(opening).rejects.toMatchObject({
      code: expect.stringMatching(code) as string,
      context: { layer: 0, reference: `oci:${directory}` },
    });
  });

  it.each([
    ['a layout with several images', 'oci:DIR', 'its tags are "a", "b"'],
    ['a tag that is not there', 'oci:DIR:c', 'has no image "c": its tags are "a", "b"'],
    ['no layout', 'oci:DIR/blobs', 'it has no index.json'],
  ])('says what is wrong with %s', async (_, reference, message) => {
    const directory = scratch();
    writeLayout(directory, [
      { tag: 'a', layers },
      { tag: 'b', layers: [top] },
    ]);
    const opening = openLayers([reference.replace('DIR', directory)], { cache: false });
    await expect(opening).rejects.toMatchObject({ code: 'layer-not-found' });
    await expect(opening).rejects.toThrow(message);
  });
});

describe('archives', () => {
  const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const config = json({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { diff_ids: layers.map((tar) => `sha256:${hex(tar)}`) },
  });
  const manifest = (files: readonly string[], more: object[] = []): Uint8Array =>
    json([{ Config: `${hex(config)}.json`, RepoTags: ['app:latest'], Layers: files }, ...more]);

  async function digestOfArchive(
    entries: readonly TarEntry[],
    wrap = (tar: Uint8Array): Uint8Array => tar,
  ): Promise<string> {
    const path = join(scratch(), 'archive');
    writeFileSync(path, wrap(makeTar(entries)));
    const before = openFiles();
    const digests = [
      await digestOf([`docker-archive:${path}`], scratch()),
      await digestOf([`docker-archive:${path}:app`], false),
    ];
    expect(openFiles()).toBe(before);
    expect(digests[1]).toBe(digests[0]);
    return digests[0]!;
  }

  it('are read in place, in every form that Docker has written', async () => {
    const directory = scratch();
    writeLayout(directory, [{ layers }]);
    const expected = await digestOf([`oci:${directory}`], false);
    const head = { name: `${hex(config)}.json`, data: config };
    const old = [
      { name: 'a/' },
      { name: 'a/layer.tar', data: base },
      { name: 'b/layer.tar', data: top },
      { name: 'c/layer.tar', type: 'symlink' as const, linkName: '../a/layer.tar' },
      { name: 'd/layer.tar', type: 'hardlink' as const, linkName: 'b/layer.tar' },
      head,
    ];
    const linked = [...old, { name: 'manifest.json', data: manifest(['c/layer.tar', 'd/layer.tar']) }];
    const flat = [
      { name: 'manifest.json', data: manifest(layers.map((tar) => `${hex(tar)}.tar`)) },
      head,
      ...layers.map((tar) => ({ name: `${hex(tar)}.tar`, data: tar })),
    ];
    const blobs = layers.map((tar) => gzipSync(tar));
    const named = [
      head,
      ...blobs.map((data) => ({ name: `blobs/sha256/${hex(data)}`, data })),
      { name: 'manifest.json', data: manifest(blobs.map((data) => `blobs/sha256/${hex(data)}`)) },
    ];
    expect(await digestOfArchive(linked)).toBe(expected);
    expect(await digestOfArchive(flat)).toBe(expected);
    expect(await digestOfArchive(named)).toBe(expected);
    expect(await digestOfArchive(flat, gzipSync)).toBe(expected);
  });

  it.each([
    ['no manifest', [{ name: 'x', data: 'y' }], 'layer-not-found', 'no manifest.json'],
    [
      'a missing layer',
      [{ name: 'manifest.json', data: manifest(['l.tar', 'm.tar']) }],
      'layer-not-found',
      'no file "l.tar"',
    ],
    [
      'too few layers',
      [{ name: 'manifest.json', data: manifest(['l.tar']) }],
      'oci-invalid',
      '1 layers, the configuration 2',
    ],
    [
      'another layer',
      [
        { name: 'l.tar', data: top },
        { name: 'manifest.json', data: manifest(['l.tar', 'l.tar']) },
      ],
      'digest-mismatch',
      'its image says sha256:',
    ],
    [
      'a loop of links',
      [
        { name: 'l.tar', type: 'symlink' as const, linkName: 'm.tar' },
        { name: 'm.tar', type: 'symlink' as const, linkName: 'l.tar' },
        { name: 'manifest.json', data: manifest(['l.tar', 'm.tar']) },
      ],
      'layer-not-found',
      'no file "l.tar"',
    ],
  ])('say what is wrong with %s', async (_, entries, code, message) => {
    const path = join(scratch(), 'archive');
    writeFileSync(path, makeTar([{ name: `${hex(config)}.json`, data: config }, ...entries]));
    const before = openFiles();
    const opening = openLayers([`docker-archive:${path}`], { cache: false });
    await expect(opening).rejects.toMatchObject({ code, context: { reference: `docker-archive:${path}` } });
    await expect(opening).rejects.toThrow(message);
    expect(openFiles()).toBe(before);
  });

  it('of an image layout are read in place', async () => {
    const directory = scratch();
    writeLayout(directory, [
      { tag: 'a', layers: [top] },
      { tag: 'b', layers, compress: (tar) => tar },
    ]);
    const path = join(scratch(), 'archive.tar');
    execFileSync('tar', ['-cf', path, '-C', directory, '.']);
    const expected = await digestOf([`oci:${directory}:b`], false);
    expect(await digestOf([`oci-archive:${path}:b`], scratch())).toBe(expected);
    await expect(digestOf([`oci-archive:${path}`], false)).rejects.toThrow('its tags are "a", "b"');
  });
});

describe('an image that is named as a layer', () => {
  it('is warned of, with the reference that is meant', async () => {
    const directory = scratch();
    writeLayout(directory, [{ layers }]);
    const archive = join(scratch(), 'archive.tar');
    execFileSync('tar', ['-cf', archive, '-C', directory, '.']);
    const docker = join(scratch(), 'docker.tar');
    writeFileSync(
      docker,
      makeTar([
        { name: 'manifest.json', data: '[]' },
        { name: `${'0'.repeat(64)}.json`, data: '{}' },
      ]),
    );
    const plain = join(scratch(), 'plain.tar');
    writeFileSync(
      plain,
      makeTar([
        { name: 'manifest.json', data: '[]' },
        { name: 'index.json', data: '{}' },
      ]),
    );
    const warnings: string[] = [];
    for (const reference of [directory, `dir:${directory}`, archive, docker, plain]) {
      const opened = await openLayers([reference], { cache: false, onWarning: (warning) => warnings.push(warning) });
      for (const { blob } of opened.layers) blob.close();
    }
    expect(warnings.map((warning) => /read with (.*)$/.exec(warning)?.[1])).toEqual([
      `oci:${directory}`,
      `oci:${directory}`,
      `oci-archive:${archive}`,
      `docker-archive:${docker}`,
    ]);
  });
});
