import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeElf, makeUnikernel } from '../../helpers/elf-writer.ts';
import { blockloom, output } from '../../helpers/cli.ts';
import { scratch } from '../../helpers/scratch.ts';

const UNIKERNEL = makeUnikernel({
  manifest: {
    devices: [
      { name: 'storage', type: 'BLOCK_BASIC' },
      { name: 'service0', type: 'NET_BASIC' },
    ],
  },
  target: 'hvt',
  abiVersion: 2,
});

function directoryWith(bytes: Uint8Array): string {
  const directory = scratch();
  writeFileSync(join(directory, 'app.hvt'), bytes);
  return directory;
}

describe('inspect', () => {
  it('says what a unikernel of Solo5 asks for', () => {
    const cwd = directoryWith(UNIKERNEL);
    expect(output(['inspect', 'app.hvt'], { cwd }).split('\n')).toEqual([
      'unikernel    Solo5, hvt, ABI version 2',
      'block device storage',
      'network      service0',
    ]);
    expect(JSON.parse(output(['inspect', '--json', 'app.hvt'], { cwd }))).toEqual({
      unikernel: {
        target: 'hvt',
        abiVersion: 2,
        devices: [
          { name: 'storage', type: 'BLOCK_BASIC' },
          { name: 'service0', type: 'NET_BASIC' },
        ],
      },
    });
  });

  it('refuses a unikernel whose notes are malformed', () => {
    const damaged = UNIKERNEL.slice();
    damaged[damaged.length - 8] = 1;
    const { status, stderr } = blockloom(['inspect', 'app.hvt'], { cwd: directoryWith(damaged) });
    expect(stderr).toMatch(/^blockloom: app.hvt: manifest entry 2 at 0x\w+: attached 1, expected 0\n$/);
    expect(status).toBe(3);
  });

  it('takes other executables for what they are', () => {
    const { status, stderr } = blockloom(['inspect', 'app.hvt'], { cwd: directoryWith(makeElf([])) });
    expect(stderr).toContain('app.hvt');
    expect(status).toBe(3);
  });
});
