import { describe, expect, it } from 'vitest';
import { directVolume, kataConfiguration } from '../../../../src/core/manifest/kata.ts';

describe('directVolume', () => {
  const volume = {
    runtime: 'go' as const,
    volume: '/var/lib/v?ö',
    device: '/d/disk.img',
    filesystem: 'ext4',
    isReadOnly: true,
  };

  it('is a file below the encoded path of the volume', () => {
    const directory = Buffer.from('/var/lib/v?ö').toString('base64').replaceAll('/', '_').replaceAll('+', '-');
    expect(directory).toBe('L3Zhci9saWIvdj_Dtg==');
    expect(directVolume(volume)).toEqual({
      path: `/run/kata-containers/shared/direct-volumes/${directory}/mountInfo.json`,
      mode: 0o600,
      text: '{"volume-type":"block","device":"/d/disk.img","fstype":"ext4","metadata":{},"options":["ro"]}',
    });
  });

  it('can be written to', () => {
    expect(directVolume({ ...volume, isReadOnly: false }).text).toContain('"options":["rw"]');
  });

  it('has another name for the runtime in Rust', () => {
    expect(directVolume({ ...volume, runtime: 'rust' }).text).toContain('"volume-type":"directvol"');
  });

  it('refuses relative paths', () => {
    expect(() => directVolume({ ...volume, device: 'disk.img' })).toThrow('disk.img: not an absolute path');
    expect(() => directVolume({ ...volume, volume: 'v' })).toThrow('v: not an absolute path');
  });
});

describe('kataConfiguration', () => {
  it('names an image, its filesystem and its hash tree', () => {
    const verity = 'root_hash=00,salt=11,data_blocks=5,data_block_size=4096,hash_block_size=4096';
    expect(kataConfiguration({ image: '/k/"a".img', filesystem: 'ext4', isMapped: false, verity })).toBe(
      `[hypervisor.qemu]\nimage = "/k/\\"a\\".img"\nrootfs_type = "ext4"\ndisable_image_nvdimm = true\nkernel_verity_params = "${verity}"\n`,
    );
  });

  it('says that an image is mapped', () => {
    expect(kataConfiguration({ image: '/k/a.img', filesystem: 'ext4', isMapped: true })).toBe(
      '[hypervisor.qemu]\nimage = "/k/a.img"\nrootfs_type = "ext4"\ndisable_image_nvdimm = false\n',
    );
  });
});
