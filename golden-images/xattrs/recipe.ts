import { byteString } from '../../src/core/bytes.ts';
import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Attributes in the inode, in a block, in a shared block, in both; binary values; POSIX ACLs of both kinds. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'in-the-inode', data: '1', xattrs: { 'user.note': 'short' } },
      { name: 'in-a-block', data: '2', xattrs: { 'user.large': bytesOfSeed(1, 3000), 'trusted.z': '', 'user.b': 'b' } },
      ...['x', 'y', 'z'].map((name) => ({
        name: `shared-${name}`,
        data: name,
        xattrs: { 'user.same': 's'.repeat(500) },
      })),
      { name: 'in-both', data: '3', xattrs: { 'user.whole': bytesOfSeed(2, 4000), 'user.rest': bytesOfSeed(3, 30) } },
      { name: 'capable', data: '4', mode: 0o755, xattrs: { 'security.capability': capability() } },
      { name: 'binary', data: '5', xattrs: { 'user.binary': 'a\0b\nc=\xff', 'user.\xe4': 'a name of high bytes' } },
      { name: 'acl', data: '6', xattrs: { 'system.posix_acl_access': acl() } },
      { name: 'inherited/', xattrs: { 'system.posix_acl_default': acl(), 'user.a': 'a' } },
      { name: 'foreign', data: '7', xattrs: { 'com.apple.quarantine': 'left out' } },
    ],
  ],
};

/** cap_net_raw+ep, in revision 2. */
function capability(): string {
  return byteString(Uint8Array.of(1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

/** user::rw-, user:1000:rwx, group::r--, mask::rwx, other::---, as Linux passes it. */
function acl(): Uint8Array {
  const entries = [
    [0x01, 6, 0xffff_ffff],
    [0x02, 7, 1000],
    [0x04, 4, 0xffff_ffff],
    [0x10, 7, 0xffff_ffff],
    [0x20, 0, 0xffff_ffff],
  ] as const;
  const view = new DataView(new ArrayBuffer(4 + 8 * entries.length));
  view.setUint32(0, 2, true);
  entries.forEach(([tag, permissions, id], i) => {
    view.setUint16(4 + 8 * i, tag, true);
    view.setUint16(6 + 8 * i, permissions, true);
    view.setUint32(8 + 8 * i, id, true);
  });
  return new Uint8Array(view.buffer);
}
