import { type ChildProcess, spawn } from 'node:child_process';
import { shellWord } from '../core/launch/shell-words.ts';

/** `end NUMBER` ends a process, with SIGKILL where it does not heed SIGTERM in 5 seconds; one that nobody has waited for has ended too. */
const PROLOGUE = `
steps=
runs() { kill -0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; }
end() {
  kill "$1"; left=50
  while runs "$1" && [ $left -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
  kill -9 "$1"
}
unmount() { fusermount3 -u -z -q "$1" || fusermount -u -z -q "$1" || umount -l "$1" || umount -f "$1"; rm -f "$1"; }
trap 'for step in $steps; do $step; done' EXIT
`;

/**
 * A shell that outlives this process, and undoes what it has been told of when that is killed: it is at the end of a pipe, which
 * the kernel closes. It has a session of its own, so that what is typed at the terminal does not end it.
 */
export class Guard {
  readonly #shell: ChildProcess;
  #count = 0;

  constructor() {
    this.#shell = spawn('sh', ['-s'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    // Without a shell nothing is guarded, and all works but for that.
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#tell(PROLOGUE);
  }

  /** Remembers to run a command, before those that are remembered already, until what it returns is called. */
  remember(argv: readonly string[]): () => void {
    const step = `step${this.#count++}`;
    this.#tell(`${step}() { ${argv.map(shellWord).join(' ')}; }; steps="${step} $steps"\n`);
    return () => this.#tell(`${step}() { :; }\n`);
  }

  /** The same for the end of a process, as long as that runs. */
  holds(child: ChildProcess): void {
    if (child.pid !== undefined) child.once('exit', this.remember(['end', String(child.pid)]));
  }

  /** The same for a file that something is mounted on, which is removed too. */
  rememberMount(path: string): () => void {
    return this.remember(['unmount', path]);
  }

  /** All is undone: ends the shell. */
  dismiss(): void {
    this.#shell.stdin?.end('trap - EXIT\n');
    this.#shell.unref();
  }

  #tell(lines: string): void {
    this.#shell.stdin?.write(lines);
  }
}
