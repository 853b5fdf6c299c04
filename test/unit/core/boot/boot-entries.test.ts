import { describe, expect, it } from 'vitest';
import { bootEntryFileName, bootEntryText, loaderConfigurationText } from '../../../../src/core/boot/boot-entries.ts';

describe('bootEntryText', () => {
  it('has the keys in one order', () => {
    const text = bootEntryText({
      options: 'root=/dev/vda2 ro',
      initrd: ['/a.img', '/b.img'],
      linux: '/vmlinuz',
      title: 'Debian',
      version: '12',
      'sort-key': 'debian',
      architecture: 'x64',
    });
    expect(text.split('\n')).toEqual([
      'title Debian',
      'version 12',
      'sort-key debian',
      'linux /vmlinuz',
      'initrd /a.img',
      'initrd /b.img',
      'options root=/dev/vda2 ro',
      'architecture x64',
      '',
    ]);
  });

  it.each([
    [{ title: 'a' }],
    [{ title: 'a', linux: '/a', efi: '/b' }],
    [{ title: 'a\nlinux /b', efi: '/b' }],
    [{ title: '', efi: '/b' }],
    [{ title: 'a', efi: '/b', options: ' b' }],
  ])('refuses %j', (entry) => {
    expect(() => bootEntryText(entry)).toThrow(expect.objectContaining({ code: 'boot-invalid' }));
  });
});

it('loader.conf has what systemd-boot reads', () => {
  const text = loaderConfigurationText({ editor: false, timeout: 3, default: 'debian.conf', 'console-mode': 'max' });
  expect(text).toBe('default debian.conf\ntimeout 3\nconsole-mode max\neditor no\n');
  expect(loaderConfigurationText({})).toBe('');
});

it('the file of an entry has a name that the specification allows', () => {
  expect(bootEntryFileName('debian-12+1~a_b.c')).toBe('debian-12+1~a_b.c.conf');
  expect(() => bootEntryFileName('a/b')).toThrow(expect.objectContaining({ code: 'boot-invalid' }));
});
