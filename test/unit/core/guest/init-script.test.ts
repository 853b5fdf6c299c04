import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { gateScript, type GuestTask, identityFiles, initScript } from '../../../../src/core/guest/init-script.ts';

const USER = { uid: 1000, gid: 1001, groups: [2000], home: '/' };
const COMMAND = { argv: ['sh', "it's"], env: ['PATH=/a:/b', "Q='"], workingDir: "/it's", user: USER };
const ROOT = { ...COMMAND, user: { ...USER, uid: 0, gid: 0, groups: [0] } };

const TASKS: readonly GuestTask[] = (['pipes', 'tty'] as const).flatMap((channel) =>
  [COMMAND, ROOT].map((command) => ({ kind: 'command', command, channel, root: 'overlay' }) as const),
);

/** What a shell says against a script. */
const complaints = (script: string): string => spawnSync('sh', ['-n'], { input: script }).stderr.toString();

describe("the guest's first program", () => {
  it('is a script that shells read', () => {
    const tasks: GuestTask[] = [...TASKS, { kind: 'init', path: "/it's", root: 'writable' }];
    expect(tasks.map((task) => complaints(initScript(task))).join('')).toBe('');
  });

  it('mounts the disk for writing, or a layer over it', () => {
    const [writable, overlay] = (['writable', 'overlay'] as const).map((root) =>
      initScript({ kind: 'init', path: '/i', root }),
    );
    expect(writable).toContain('mount -t ext4 -o rw /dev/vda /root');
    expect(writable).not.toContain('overlay');
    expect(overlay).toContain('mount -t ext4 -o ro /dev/vda /image');
    expect(overlay).toContain("exec switch_root /root '/i'");
  });

  it('has files for the moment in which a command becomes its user', () => {
    expect(identityFiles(COMMAND)).toEqual({
      passwd: 'command:x:1000:1001::/:/bin/sh\n',
      group: 'g0:x:1001:\ng1:x:2000:command\n',
    });
    expect(identityFiles(ROOT)).toBeUndefined();
  });
});

describe('what becomes the command', () => {
  it('starts a program by its path only, with words as they are', () => {
    const script = gateScript(ROOT);
    expect(complaints(script)).toBe('');
    expect(script).toContain(String.raw`cd '/it'\''s' || exit 126`);
    expect(script).toContain(String.raw`env -i -- 'PATH=/a:/b' 'Q='\''' "$found" 'it'\''s'`);
    expect(script).not.toContain('/ready');
    expect(gateScript(COMMAND)).toContain('/ready');
  });
});
