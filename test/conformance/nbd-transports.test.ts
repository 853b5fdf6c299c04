import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { compileInto } from '../helpers/compiled.ts';
import { Option } from '../../src/nbd/protocol.ts';
import { nbdsh, toolOutput } from '../helpers/nbd-tools.ts';
import { clientFlags, option, request } from '../helpers/nbd-wire.ts';
import { sharedScratch } from '../helpers/scratch.ts';
import { requireTools, skipped } from '../helpers/tools.ts';

const SIZE = 1_500_000;
const content = Buffer.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 19 + (i >> 11)) & 0xff));

/** A server as a program: how it listens is its argument. */
const PROGRAM = `
import { fileBackend, NbdServer } from './src/nbd/index.js';
const [, , file, how, where] = process.argv;
const server = new NbdServer({ exports: [{ name: '', backend: fileBackend(file) }] });
process.on('SIGTERM', async () => { await server.close(); process.exit(0); });
if (how === 'stdio') { await server.serveStdio(); await server.close(); }
else if (how === 'activated') await server.listenActivated();
else { await server.listenUnix(where); console.log('ready'); }
`;

let directory: string;
let program: readonly string[];

describe.skipIf(!requireTools('nbdinfo', 'nbdcopy', 'nbdsh'))('a server as a program', () => {
  beforeAll(() => {
    directory = sharedScratch();
    compileInto(directory, 'src/nbd/index.ts');
    writeFileSync(join(directory, 'program.mjs'), PROGRAM);
    writeFileSync(join(directory, 'disk'), content);
    program = [process.execPath, join(directory, 'program.mjs'), join(directory, 'disk')];
  });

  it('serves standard input and output when they are a socket', async () => {
    const args = JSON.stringify([...program, 'stdio']);
    const script = `h.connect_command(${args})
data = h.pread(${SIZE}, 0)
print(len(data), data == open(${JSON.stringify(join(directory, 'disk'))}, 'rb').read())
h.shutdown()`;
    expect(await nbdsh('', script)).toBe(`${SIZE} True`);
  });

  it.each(['sockets', 'pipes'])('serves standard input and output when they are two %s', async (kind) => {
    const command = [...program, 'stdio'].join(' ');
    const child = spawn('sh', ['-c', kind === 'pipes' ? `cat | ${command} | cat` : command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const received: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => received.push(chunk));
    child.stdin.write(Buffer.concat([clientFlags(), option(Option.EXPORT_NAME), request({ type: 0, length: SIZE })]));
    child.stdin.end();
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect(status).toBe(0);
    const data = Buffer.concat(received).subarray(18 + 10 + 16);
    expect(data.equals(content)).toBe(true);
  });

  it('serves the sockets that it was started with', async () => {
    const copy = join(directory, 'copy');
    await toolOutput('nbdcopy', ['--', '[', ...program, 'activated', ']', copy]);
    expect(readFileSync(copy).equals(content)).toBe(true);
  });

  it.each([22, 24])('runs on Node %d', async (major) => {
    const folder = join(
      import.meta.dirname,
      `../../node_modules/.cache/node-${major}/node_modules/node-linux-${process.arch}`,
    );
    const node = join(folder, 'bin/node');
    if (skipped(!existsSync(node), `no Node ${major} in node_modules/.cache`)) return;
    const copy = join(directory, `copy-${major}`);
    await toolOutput('nbdcopy', ['--', '[', node, ...program.slice(1), 'activated', ']', copy]);
    expect(readFileSync(copy).equals(content)).toBe(true);
  });

  it('stops when told, with its requests finished and its socket removed', async () => {
    const socket = join(directory, 's');
    const [node = '', ...args] = program;
    const child = spawn(node, [...args, 'unix', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(await toolOutput('nbdinfo', ['--size', `nbd+unix:///?socket=${socket}`])).toBe(`${SIZE}\n`);
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });
});
