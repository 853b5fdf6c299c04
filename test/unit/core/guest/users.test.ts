import { describe, expect, it } from 'vitest';
import { resolveUser } from '../../../../src/core/guest/users.ts';

const FILES = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\n# nobody\nweb:x:1000:1001::/srv:/bin/sh\nodd:x:9999999999:1::/:\n',
  group: 'root:x:0:\nweb:x:1001:\nlogs:x:2000:bin,web\ntwice:x:2000:web\nwheel:x:10:root,web\n',
};

describe('the user of a command', () => {
  it.each([
    ['', { uid: 0, gid: 0, groups: [10], home: '/root' }],
    ['web', { uid: 1000, gid: 1001, groups: [2000, 10], home: '/srv' }],
    ['1000', { uid: 1000, gid: 1001, groups: [2000, 10], home: '/srv' }],
    ['web:logs', { uid: 1000, gid: 2000, groups: [], home: '/srv' }],
    ['1000:5', { uid: 1000, gid: 5, groups: [], home: '/srv' }],
    ['77', { uid: 77, gid: 0, groups: [], home: '/' }],
    ['77:88', { uid: 77, gid: 88, groups: [], home: '/' }],
    ['web:', { uid: 1000, gid: 1001, groups: [2000, 10], home: '/srv' }],
  ])('%j is found in the files of the image', (spec, expected) => {
    expect(resolveUser(spec, FILES)).toEqual(expected);
  });

  it('is a number where the image has no files', () => {
    expect(resolveUser('', {})).toEqual({ uid: 0, gid: 0, groups: [], home: '/' });
    expect(resolveUser('5:6', {})).toEqual({ uid: 5, gid: 6, groups: [], home: '/' });
  });

  it.each([
    ['nobody', 'the image has no user "nobody" in /etc/passwd'],
    ['web:nobody', 'the image has no group "nobody" in /etc/group'],
    ['odd', 'the image has no user "odd"'],
    ['4294967295', 'the image has no user "4294967295"'],
  ])('%j is refused', (spec, message) => {
    expect(() => resolveUser(spec, FILES)).toThrow(message);
  });
});
