import type { TarEntry } from '../../test/helpers/tar-writer.ts';
import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** The shape of a Debian root filesystem: merged /usr, documentation, a package upgraded and one removed by higher layers. */
export const recipe: Recipe = {
  layers: [base(), upgrade(), application()],
  options: { label: 'root', free: { percent: 10 } },
};

function base(): TarEntry[] {
  const links = ['bin', 'sbin', 'lib'].map((name) => ({ name, type: 'symlink', mode: 0o777, linkName: `usr/${name}` }));
  const directories = ['boot', 'dev', 'proc', 'root', 'run', 'sys', 'tmp', 'var/log', 'var/lib/dpkg/info'];
  return [
    { name: './' },
    ...links,
    ...directories.map((name) => ({ name: `${name}/`, mode: name === 'tmp' ? 0o1777 : 0o755 })),
    { name: 'etc/passwd', data: 'root:x:0:0:root:/root:/bin/sh\n' },
    { name: 'etc/shadow', data: 'root:*:14610:0:99999:7:::\n', mode: 0o640, gid: 42 },
    ...files('usr/bin/tool', 150, 40_000, 0o755),
    { name: 'usr/bin/su', data: bytesOfSeed(7, 71_000), mode: 0o4755 },
    ...files('usr/lib/x86_64-linux-gnu/lib', 60, 200_000, 0o644),
    ...Array.from({ length: 400 }, (_, i) => ({
      name: `usr/share/doc/p${i}/copyright`,
      data: bytesOfSeed(i, 900 + i),
    })),
    ...files('usr/share/zoneinfo/Zone', 300, 3000, 0o644),
    { name: 'usr/share/zoneinfo/UTC', type: 'hardlink', linkName: 'usr/share/zoneinfo/Zone0' },
    { name: 'etc/localtime', type: 'symlink', mode: 0o777, linkName: '/usr/share/zoneinfo/UTC' },
  ];
}

function upgrade(): TarEntry[] {
  return [
    { name: 'bin/tool3', data: bytesOfSeed(1003, 44_000), mode: 0o755 },
    { name: 'lib/x86_64-linux-gnu/lib9', data: bytesOfSeed(1009, 210_000) },
    { name: 'usr/share/doc/p7/.wh.copyright' },
    { name: 'usr/share/doc/p7/changelog.gz', data: bytesOfSeed(1007, 5000) },
    { name: 'usr/share/doc/.wh.p8' },
  ];
}

function application(): TarEntry[] {
  return [
    { name: 'srv/app/', uid: 1000, gid: 1000 },
    { name: 'srv/app/main', data: bytesOfSeed(2000, 1_000_000), mode: 0o755, uid: 1000, gid: 1000 },
    { name: 'var/log/.wh..wh..opq' },
    { name: 'etc/hostname', data: 'golden\n' },
  ];
}

function files(prefix: string, count: number, size: number, mode: number): TarEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `${prefix}${i}`,
    data: bytesOfSeed(count + i, (size * (i % 17)) >> 3),
    mode,
  }));
}
