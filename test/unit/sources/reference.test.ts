import { describe, expect, it } from 'vitest';
import { rebaseReference } from '../../../src/sources/reference.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('a reference seen from another folder', () => {
  it.each([
    ['a.tar', '../work/a.tar'],
    ['./dir/', '../work/dir'],
    ['../locks/a.tar', './a.tar'],
    ['../locks/docker:', './docker:'],
    ['..', '..'],
    ['.', '../work'],
    ['dir:b', 'dir:../work/b'],
    ['dir:../locks', 'dir:./.'],
    ['oci:app', 'oci:../work/app'],
    ['oci:app:latest', 'oci:../work/app:latest'],
    [`oci:../locks/app:${DIGEST}`, `oci:./app:${DIGEST}`],
    ['docker-archive:a.tar:web:1', 'docker-archive:../work/a.tar:web:1'],
    ['/srv/a.tar', '/srv/a.tar'],
    ['oci:/srv/app:latest', 'oci:/srv/app:latest'],
    ['docker://localhost:5000/app:latest', 'docker://localhost:5000/app:latest'],
    ['-', '-'],
  ])('%s is %s', (reference, expected) => {
    expect(rebaseReference(reference, '/home/work', '/home/locks')).toBe(expected);
    expect(rebaseReference(reference, '/home/work', '/home/work')).toBe(reference);
  });

  it('is refused where it cannot be named', () => {
    expect(() => rebaseReference('oci:app', '/home/a:b', '/home')).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
  });
});
