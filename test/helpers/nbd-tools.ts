import { spawn } from 'node:child_process';

/** Debian's own Python first: it is the one that has the bindings of libnbd. */
const ENVIRONMENT = { ...process.env, PATH: `/usr/bin:/bin:/usr/sbin:/sbin:${process.env.PATH ?? ''}` };

export interface ToolResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a client while this process goes on serving it. */
export async function tool(command: string, args: readonly string[], input = ''): Promise<ToolResult> {
  const child = spawn(command, args, { env: ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 });
  const output = [Buffer.alloc(0), Buffer.alloc(0)];
  [child.stdout, child.stderr].forEach((stream, i) => {
    stream.on('data', (chunk: Buffer) => {
      output[i] = Buffer.concat([output[i] ?? Buffer.alloc(0), chunk]);
    });
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, stdout: String(output[0]), stderr: String(output[1]) };
}

/** What a client prints; throws what it complains about. */
export async function toolOutput(command: string, args: readonly string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await tool(command, args, input);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs Python with a libnbd handle `h` that is not connected; `path` is the server's socket. */
export async function nbdsh(path: string, script: string): Promise<string> {
  const lines = ['import nbd, errno, struct', 'h = nbd.NBD()', `path = ${JSON.stringify(path)}`, script];
  return (await toolOutput('/usr/bin/python3', ['-'], `${lines.join('\n')}\n`)).trim();
}
