import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeElf } from './elf-sections.ts';
import { scratch } from './scratch.ts';
import { makeTar } from './tar-writer.ts';

/** A folder in which `blockloom run` finds a script in QEMU's place. */
export interface FakeQemu {
  readonly cwd: string;
  /** What is temporary is made there, and there only. */
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;
  /** What `run` is told, in front of `-- COMMAND`. */
  readonly args: readonly string[];
}

/** `program` is the whole script. */
export function fakeQemu(program: string): FakeQemu {
  const cwd = scratch();
  const [bin, temporary] = [join(cwd, 'bin'), join(cwd, 'tmp')];
  for (const folder of [bin, temporary]) mkdirSync(folder);
  writeFileSync(join(bin, 'qemu-system-x86_64'), program, { mode: 0o755 });
  writeFileSync(join(cwd, 'kernel'), 'no kernel at all');
  writeFileSync(join(cwd, 'busybox'), makeElf({}, [1]));
  writeFileSync(join(cwd, 'layer.tar'), makeTar([{ name: 'data', data: 'data' }]));
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, TMPDIR: temporary };
  const guest = ['--platform', 'linux/amd64', '--accel', 'tcg', '--kernel', 'kernel', '--busybox', 'busybox'];
  return { cwd, temporary, env, args: ['run', ...guest, 'layer.tar'] };
}

/**
 * A script that answers as the guest's first program does, on the ports of pipes. `body` is JavaScript: `stdin`, `stdout` and `stderr` are
 * streams, `told(line)` may be set to hear what the control port says, and `end(status)` ends the command.
 */
export function fakeGuest(body: string): FakeQemu {
  return fakeQemu(`#!${process.execPath}
const { Socket } = require('node:net');
const [stdin, stdout, stderr, control] = [3, 4, 5, 6].map((fd) => new Socket({ fd }));
let marker = '', text = '', told = () => undefined;
const end = (status) => {
  stdout.write(marker);
  stderr.write(marker);
  control.write('status ' + status + '\\n');
};
const start = () => {
  control.write('started\\n');
  ${body}
};
control.on('data', (chunk) => {
  const lines = (text + chunk).split('\\n');
  text = lines.pop();
  for (const line of lines) {
    const [word, argument] = line.split(' ');
    if (word === 'bye') process.exit(0);
    if (word === 'go') { marker = argument; start(); }
    else told(line);
  }
});
`);
}
