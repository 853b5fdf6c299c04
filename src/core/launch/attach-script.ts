import { type AttachPlan, placeOf } from './attach.ts';
import type { Bridge } from './bridges.ts';
import type { LaunchFile } from './launch.ts';
import { shellWord, shellWords } from './shell-words.ts';

/** The commands that stand in front of a plan's own: all are given the options that decide the images. */
export interface ImageCommands {
  /** `blockloom serve` and what it serves, with the names of the exports. */
  readonly serve: readonly string[];
  /** `blockloom build` and what it builds, for each of the disks. */
  readonly builds: readonly (readonly string[])[];
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
export function stepsOf({ disks, launch }: AttachPlan, { serve, builds }: ImageCommands): Step[] {
  const socket = disks.flatMap(({ image }) => (image.kind === 'serve' ? [image.served.socket] : []))[0];
  return [
    ...(socket === undefined ? [] : [serveStep([...serve, '--socket', socket], socket)]),
    ...disks.flatMap(({ image, disk }, i) =>
      image.kind === 'write' && 'path' in disk ? [buildStep(builds[i] ?? [], disk.path)] : [],
    ),
    ...disks.flatMap(({ bridge }) => (bridge === undefined ? [] : [bridgeStep(bridge)])),
    ...(launch === undefined ? [] : [{ name: 'vmm', argv: launch.argv } as const]),
  ];
}

function serveStep(argv: readonly string[], socket: string): Step {
  return { name: 'serve', argv, ready: { kind: 'socket', path: socket } };
}

function buildStep(build: readonly string[], path: string): Step {
  return { name: 'build', argv: [...build, '-o', path], ready: { kind: 'exit', path } };
}

const READY = { mount: 'file', socket: 'socket', exit: 'exit' } as const;

function bridgeStep({ argv, ready, path, stop }: Bridge): Step {
  return { name: 'bridge', argv, ready: { kind: READY[ready], path }, ...(stop !== undefined && { stop }) };
}

/** The plan for a POSIX shell: one subshell, so that what is pasted is read before a VMM reads from the same terminal. */
export function scriptOf(plan: AttachPlan, commands: ImageCommands): string {
  const { folder, launch, disks } = plan;
  const mounts = disks.flatMap(({ bridge }) => (bridge?.ready === 'mount' ? [bridge.path] : []));
  const steps = stepsOf(plan, commands);
  const devices = steps.flatMap(({ stop }) => (stop === undefined ? [] : [stop]));
  const stops = devices.map((stop, i) => `[ "$made" -le ${i} ] || ${shellWords(stop)};`);
  const kept = mounts.filter((path) => !path.startsWith(`${folder}/`));
  const removed = [...kept, folder].map(shellWord).join(' ');
  const end = ['set +e;', ...stops, 'for pid in $pids; do kill $pid; wait $pid; done;', `rm -rf ${removed}`];
  return [
    '(',
    'set -e; pids= made=0',
    `mkdir -m 700 ${shellWord(folder)}`,
    `trap ${shellWord(`{ ${end.join(' ')}; } 2>/dev/null`)} EXIT`,
    // Not every shell takes the end by a signal for one.
    "trap 'exit 130' INT; trap 'exit 143' TERM",
    ...(launch?.files ?? []).map(fileLines),
    ...steps.flatMap((step) => stepLines(step, mounts)),
    ...(launch === undefined ? [...disks.map(({ disk }) => `echo ${shellWord(placeOf(disk))}`), 'wait'] : []),
    ')',
  ].join('\n');
}

function fileLines({ path, text }: LaunchFile): string {
  return `cat >${shellWord(path)} <<'END'\n${text}END`;
}

const TESTS = { socket: '-S', file: '-s' } as const;

function stepLines({ argv, ready, stop }: Step, mounts: readonly string[]): string[] {
  const line = shellWords(argv);
  // What another has made is not ended here.
  if (ready === undefined || ready.kind === 'exit') return stop === undefined ? [line] : [line, 'made=$((made + 1))'];
  const test = `[ ${TESTS[ready.kind]} ${shellWord(ready.path)} ]`;
  return [
    ...(mounts.includes(ready.path) ? [`: >${shellWord(ready.path)}`] : []),
    `${line} >/dev/null & pids="$! $pids"`,
    // A shell that has not heard of the end of a process takes it for alive: `jobs` makes it listen.
    `until ${test}; do jobs >/dev/null; kill -0 $! 2>/dev/null; sleep 0.1; done`,
  ];
}
