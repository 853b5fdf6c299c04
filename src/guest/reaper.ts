import { type ChildProcess, spawn } from 'node:child_process';

/** Reads process groups, the last of which counts, until nobody is left who would tell another; then ends it and removes the folders. */
const SCRIPT = `group=
while read -r each; do group=$each; done
[ -z "$group" ] || kill -9 "-$group"
rm -rf -- "$@"`;

/**
 * A shell that ends a program and removes folders when this process has gone, however it went: it waits for the end of a pipe, which comes
 * after SIGKILL too. To be dismissed.
 */
export class Reaper {
  readonly #shell: ChildProcess;

  constructor(...folders: readonly string[]) {
    // In a session of its own, which what ends this process does not end.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...folders], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    for (const each of [shell, shell.stdin]) each?.on('error', () => undefined);
    shell.unref();
    this.#shell = shell;
  }

  /** The program that is to end, which leads a process group; it takes the place of one before. Undefined where none has started. */
  holds({ pid }: { readonly pid?: number | undefined }): void {
    if (pid !== undefined) this.#shell.stdin?.write(`${pid}\n`);
  }

  dismiss(): void {
    this.#shell.kill('SIGKILL');
  }
}
