import { type AttachPlan, placeOf } from './attach.ts';
import type { Bridge } from './bridges.ts';
import type { LaunchFile } from './launch.ts';
import { shellWord, shellWords } from './shell-words.ts';

/** The commands that stand in front of a plan's own: both are given the options that decide the image. */
export interface ImageCommands {
  /** `blockloom serve` and what it serves. */
  readonly serve: readonly string[];
  /** `blockloom build` and what it builds. */
  readonly build: readonly string[];
}

/** One command of a plan. What follows it waits for what `ready` says: a socket, a file that is not empty, or its end. */
export interface Step {
  readonly name: 'serve' | 'build' | 'bridge' | 'vmm';
  readonly argv: readonly string[];
  readonly ready?: { readonly kind: 'socket' | 'file' | 'exit'; readonly path: string };
  /** What ends it, where ending its process does not. */
  readonly stop?: readonly string[];
}

/** The commands of a plan, in order. */
export function stepsOf(plan: AttachPlan, { serve, build }: ImageCommands): Step[] {
  const { image, bridge, disk, launch } = plan;
  const steps: Step[] = [];
  if (image.kind === 'serve') {
    const { socket, exportName } = image.served;
    const argv = [...serve, '--socket', socket, '--export', exportName];
    steps.push({ name: 'serve', argv, ready: { kind: 'socket', path: socket } });
  }
  if (image.kind === 'write' && 'path' in disk) {
    steps.push({ name: 'build', argv: [...build, '-o', disk.path], ready: { kind: 'exit', path: disk.path } });
  }
  if (bridge !== undefined) steps.push(bridgeStep(bridge));
  if (launch !== undefined) steps.push({ name: 'vmm', argv: launch.argv });
  return steps;
}

const READY = { mount: 'file', socket: 'socket', exit: 'exit' } as const;

function bridgeStep({ argv, ready, path, stop }: Bridge): Step {
  return { name: 'bridge', argv, ready: { kind: READY[ready], path }, ...(stop !== undefined && { stop }) };
}

/** The plan for a POSIX shell: one subshell, so that what is pasted is read before a VMM reads from the same terminal. */
export function scriptOf(plan: AttachPlan, commands: ImageCommands): string {
  const { bridge, folder, launch, disk } = plan;
  const mounts = bridge?.ready === 'mount' ? bridge.path : undefined;
  const steps = stepsOf(plan, commands);
  const stops = steps.flatMap(({ stop }) => (stop === undefined ? [] : [`[ -z "$made" ] || ${shellWords(stop)};`]));
  const kept = mounts === undefined || mounts.startsWith(`${folder}/`) ? [] : [mounts];
  const removed = [...kept, folder].map(shellWord).join(' ');
  const end = ['set +e;', ...stops, 'for pid in $pids; do kill $pid; wait $pid; done;', `rm -rf ${removed}`];
  return [
    '(',
    'set -e; pids= made=',
    `mkdir -m 700 ${shellWord(folder)}`,
    `trap ${shellWord(`{ ${end.join(' ')}; } 2>/dev/null`)} EXIT`,
    // Not every shell takes the end by a signal for one.
    "trap 'exit 130' INT; trap 'exit 143' TERM",
    ...(launch?.files ?? []).map(fileLines),
    ...steps.flatMap((step) => stepLines(step, step.name === 'bridge' ? mounts : undefined)),
    ...(launch === undefined ? [`echo ${shellWord(placeOf(disk))}`, 'wait'] : []),
    ')',
  ].join('\n');
}

function fileLines({ path, text }: LaunchFile): string {
  return `cat >${shellWord(path)} <<'END'\n${text}END`;
}

const TESTS = { socket: '-S', file: '-s' } as const;

function stepLines({ argv, ready, stop }: Step, mountPoint: string | undefined): string[] {
  const line = shellWords(argv);
  // What another has made is not ended here.
  if (ready === undefined || ready.kind === 'exit') return stop === undefined ? [line] : [line, 'made=1'];
  const test = `[ ${TESTS[ready.kind]} ${shellWord(ready.path)} ]`;
  return [
    ...(mountPoint === undefined ? [] : [`: >${shellWord(mountPoint)}`]),
    `${line} >/dev/null & pids="$! $pids"`,
    // A shell that has not heard of the end of a process takes it for alive: `jobs` makes it listen.
    `until ${test}; do jobs >/dev/null; kill -0 $! 2>/dev/null; sleep 0.1; done`,
  ];
}
