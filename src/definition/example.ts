/** A definition to begin with: it builds as it is, and shows what else there is. `schema` is where editors find the JSON Schema. */
export function exampleDefinition(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
#
# An image for blockloom:
#
#   blockloom build -f image.yaml -o disk.img
#   blockloom help build     options, which override those here
#
# Paths of this host are relative to the folder of this file.
blockloom: 1

# Bottom first; a higher layer adds to those below, replaces and removes.
layers:
  # Tars, plain or compressed, directories, container images:
  #   - ./base.tar.zst
  #   - dir:./root
  #   - oci:./app:latest
  #   - docker://localhost:5000/app:1
  # The same below a path of the image:
  #   - { tar: ./site.tgz, at: /srv/www }

  # Entries that are written here:
  - files:
      /etc/hostname: { text: "web-1\\n" }
      /etc/motd:
        text: |
          Made of layers.
        mode: 0600
        owner: 0:0
      /etc/localtime: { symlink: /usr/share/zoneinfo/UTC }
      /var/lib/app: { directory: true, owner: 1000:1000 }
      /dev/null: { char: [1, 3], mode: 0666 }
      # A file of this host:
      #   /sbin/init: { file: ./init.sh, mode: 0755 }
      # A file of a lower layer, gone:
      #   /etc/resolv.conf: { remove: true }
      # What a lower layer has in a directory, gone:
      #   /var/cache: { directory: true, opaque: true }
      # Also hardlink, base64, block, fifo; and for each entry mtime and xattrs.

filesystem:
  type: ext4
  label: root
  # Room for a guest that writes: 64M, 10%
  free: 1M

# Every time in the image: fixed, clamp, keep, or a time.
mtime: 2026-01-01T00:00:00Z

# Also owner, chmod_mask, keep_permissions, symlinked_parents, platform, fsverity, verity, verity_salt,
# verity_superblock, embed_inputs, format_version.
`;
}
