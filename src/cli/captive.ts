import { spawn } from 'node:child_process';
import { shellAssignment } from '../core/launch/shell-words.ts';
import type { Address } from '../nbd/index.ts';

/** What a captive command is told. */
export interface CaptiveServer {
  readonly address: Address;
  readonly uri: string;
  readonly exportName: string;
}

/**
 * Runs a shell command for as long as it takes, told of the server by `$uri`, `$unixsocket`, `$port` and `$export`. Returns its
 * exit status, 128 and more for a signal's end.
 */
export async function runCaptive(command: string, { address, uri, exportName }: CaptiveServer): Promise<number> {
  const variables = {
    uri,
    unixsocket: address.kind === 'unix' ? address.path : '',
    port: address.kind === 'tcp' ? String(address.port) : '',
    export: exportName,
  };
  const assignments = Object.entries(variables).map(([name, value]) => shellAssignment(name, value));
  const child = spawn('sh', ['-c', `${assignments.join('\n')}\n${command}`], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? SIGNALLED));
  });
}

/** What shells give for a command that a signal ended, less the signal's number. */
const SIGNALLED = 128;
