import { describe, expect, it } from 'vitest';
import { parseArchiveManifest, selectArchived } from '../../../../src/core/oci/docker-archive.ts';

const image = (...repoTags: string[]): object => ({ Config: 'c.json', RepoTags: repoTags, Layers: ['l/layer.tar'] });
const parse = (value: unknown): ReturnType<typeof parseArchiveManifest> =>
  parseArchiveManifest(new TextEncoder().encode(JSON.stringify(value)));

describe('selectArchived', () => {
  const images = parse([image('docker.io/library/app:latest', 'app:v2'), image('host:5000/team/db:1')]);

  it.each(['app', 'app:latest', 'docker.io/library/app', 'library/app:latest', 'app:v2', '@0'])('finds %s', (name) => {
    expect(selectArchived(images, name, 'f')).toBe(images[0]);
  });

  it('finds a name with a port', () => {
    expect(selectArchived(images, 'host:5000/team/db:1', 'f')).toBe(images[1]);
  });

  it.each([undefined, 'app:v3', '@2', 'host:5000/team/db', '@x'])('refuses %s and says what there is', (name) => {
    expect(() => selectArchived(images, name, 'f')).toThrow('"docker.io/library/app:latest", "app:v2"');
  });

  it('takes the only image, which may have no name', () => {
    expect(selectArchived(parse([{ ...image(), RepoTags: null }]), undefined, 'f').layers).toEqual(['l/layer.tar']);
  });
});

describe('parseArchiveManifest', () => {
  it.each([{}, null, [{}], [{ Config: 1, Layers: [] }], [{ Config: 'c', Layers: [1] }]])('refuses %j', (value) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'oci-invalid' }));
  });
});
