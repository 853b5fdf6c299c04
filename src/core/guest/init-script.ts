import { quoted } from '../launch/shell-words.ts';
import type { GuestCommand } from './command.ts';

/** How the disk becomes the root: as it is and writable, or under a layer in memory that takes what is written. */
export type RootMode = 'writable' | 'overlay';

/** How a command talks: with pipes as its standard input, output and error, or with a terminal. */
export type Channel = 'pipes' | 'tty';

/** What the first program of a guest does with its root. */
export type GuestTask =
  /** Gives the guest to the image's own first program. */
  | { readonly kind: 'init'; readonly path: string; readonly root: RootMode }
  /** Runs a command, tells how it ended, and powers off. */
  | { readonly kind: 'command'; readonly command: GuestCommand; readonly channel: Channel; readonly root: RootMode };

/** The ports of virtio-serial, /dev/vportNpPORT where N is the number of the virtio device. The control port is the last, so that all others are there when it answers. */
export const PORTS = { stdin: 1, stdout: 2, stderr: 3, control: 4 } as const;

/** What a line begins with by which the first program says why it gives up, on the console. */
export const FAILURE_PREFIX = 'blockloom: ';

/** In the initramfs: what the command needs in the image's tree lies in a folder of /dev, which is in memory. */
const GATE_FOLDER = '/dev/.blockloom';
/** How long a program of ours may take that is to take no time, in seconds. */
const PATIENCE = 30;

/** The name of the guest's user in the files that are there for the moment in which it becomes that user. */
const USER_NAME = 'command';

/** /etc/passwd and /etc/group of the moment in which a command becomes its user; undefined for root without other groups. */
export function identityFiles({ user }: GuestCommand): { passwd: string; group: string } | undefined {
  const { uid, gid, groups } = user;
  if (uid === 0 && gid === 0 && groups.every((each) => each === 0)) return undefined;
  return {
    passwd: `${USER_NAME}:x:${uid}:${gid}::/:/bin/sh\n`,
    group: [gid, ...groups].map((each, i) => `g${i}:x:${each}:${i === 0 ? '' : USER_NAME}\n`).join(''),
  };
}

/** The first program of the guest, a script for busybox. Modules lie in /modules, in their order. */
export function initScript(task: GuestTask): string {
  const end = task.kind === 'init' ? handOver(task.path) : runCommand(task.command, task.channel, task.root);
  return [PREPARATION, task.root === 'writable' ? WRITABLE_ROOT : OVERLAY_ROOT, end].join('\n');
}

const PREPARATION = `#!/bin/busybox sh
# The first program of the guest: mounts the image, and runs what it is for.
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox --install -s /bin
export PATH=/bin
fail() {
  echo "${FAILURE_PREFIX}$*"
  poweroff -f
  sleep ${PATIENCE}
}
mount -t proc proc /proc || fail "/proc cannot be mounted"
mount -t sysfs sysfs /sys || fail "/sys cannot be mounted"
mount -t devtmpfs devtmpfs /dev || fail "the kernel has no devtmpfs"
for module in /modules/*; do
  [ -e "$module" ] || continue
  insmod "$module" || fail "the module $module cannot be loaded"
done
tries=0
until [ -b /dev/vda ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || fail "the disk did not appear: the kernel has no driver for virtio disks"
  sleep 0.1
done`;

const WRITABLE_ROOT = `mount -t ext4 -o rw /dev/vda /root || fail "the disk cannot be mounted"`;

/** The root directory's own attributes are those of the upper layer, which begin as the image's. */
const OVERLAY_ROOT = `mkdir -p /image /changes
mount -t ext4 -o ro /dev/vda /image || fail "the disk cannot be mounted"
mount -t tmpfs -o mode=0700 tmpfs /changes || fail "the kernel has no tmpfs"
mkdir /changes/upper /changes/work
chown "$(stat -c %u:%g /image)" /changes/upper
chmod "$(stat -c %a /image)" /changes/upper
mount -t overlay -o lowerdir=/image,upperdir=/changes/upper,workdir=/changes/work overlay /root ||
  fail "the kernel has no overlay filesystem, which takes what is written: --writable does without"`;

function handOver(path: string): string {
  return `[ -x /root${quoted(path)} ] || [ -L /root${quoted(path)} ] || fail ${quoted(`the image has no ${path}`)}
mkdir -p /root/proc /root/sys /root/dev
for each in proc sys dev; do mount --move /$each /root/$each; done
exec switch_root /root ${quoted(path)}`;
}

/** What a guest calls itself that is told no name. */
const HOSTNAME = 'blockloom';
/** How many files a process may have open that asks for more than 1024, as systemd has it. */
const OPEN_FILES_MAX = 524_288;

/** What a container has of Linux besides its files. */
const CONTAINER_MOUNTS = `mkdir -p /root/proc /root/sys /root/dev
mount -t proc -o nosuid,nodev,noexec proc /root/proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /root/sys
mount -t devtmpfs -o nosuid devtmpfs /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts -o nosuid,noexec,gid=5,mode=0620,ptmxmode=0666 devpts /root/dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /root/dev/shm
ln -sf /proc/self/fd /root/dev/fd
ln -sf /proc/self/fd/0 /root/dev/stdin
ln -sf /proc/self/fd/1 /root/dev/stdout
ln -sf /proc/self/fd/2 /root/dev/stderr
ip link set lo up 2>/dev/null
ulimit -Hn ${OPEN_FILES_MAX}
gate=/root${GATE_FOLDER}
mkdir -m 0755 $gate
cp /bin/busybox $gate/busybox
ln -s busybox $gate/sh
cp /gate $gate/gate`;

/** What container engines put in the place of files that images mostly have empty or not at all; the image's own disk is left as it is. */
const NAMES = `known() { [ -s "/root/etc/$1" ] || [ -L "/root/etc/$1" ]; }
mkdir -p /root/etc
known hostname || hostname >/root/etc/hostname
known hosts || printf '127.0.0.1\\tlocalhost %s\\n::1\\tlocalhost\\n' "$(hostname)" >/root/etc/hosts`;

/** Waits for the host's first line: the text that ends streams, and the terminal's size. */
const CONTROL = `tries=0
until for control in /dev/vport*p${PORTS.control}; do [ -c "$control" ]; done; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || fail "the kernel has no virtio_console, by which its command talks"
  sleep 0.1
done
port=\${control%${PORTS.control}}
exec 3<>"$control"
tries=0
until read -r word end rows columns <&3 && [ "$word" = go ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || fail "the host does not answer"
  sleep 0.05
done`;

function runCommand(command: GuestCommand, channel: Channel, root: RootMode): string {
  const isBorrowed = identityFiles(command) !== undefined;
  const isTerminal = channel === 'tty';
  const start = isBorrowed ? AS_USER : `${GATE_FOLDER}/sh ${GATE_FOLDER}/gate`;
  return [
    CONTAINER_MOUNTS,
    `hostname ${quoted(command.hostname ?? HOSTNAME)}`,
    ...(root === 'overlay' ? [NAMES] : []),
    // As the image's own symbolic links have it.
    `chroot /root ${GATE_FOLDER}/busybox mkdir -p ${quoted(command.workingDir)} 2>/dev/null`,
    CONTROL,
    isTerminal ? openTerminal(command) : openPipes(command),
    ...(isBorrowed ? [BORROWED_IDENTITY] : []),
    LISTENER,
    // Not in the background, where shells have programs ignore SIGINT.
    `(
  read -r process rest </proc/self/stat
  echo "$process" >/command
  echo started >&3
  exec 3>&- 4>&- 5>&- 6>&- ${isTerminal ? '</dev/hvc0 >/dev/hvc0 2>&1' : '<&7 7<&- >/pipes/stdout 2>/pipes/stderr'}
  exec setsid ${isTerminal ? '-c ' : ''}/bin/busybox chroot /root ${start}
)
status=$?`,
    STOP_OTHERS,
    isTerminal ? CLOSE_TERMINAL : CLOSE_PIPES,
    root === 'writable' ? UNMOUNT : 'sync',
    FINISH,
  ].join('\n');
}

/**
 * Pipes, and not the ports themselves: a port can be opened once only, and /dev/stdout is opened again by who is told so. Standard input
 * has no name, that of an empty here-document: a named one would wait for another writer when /dev/stdin is opened behind its end.
 */
function openPipes({ user: { uid, gid } }: GuestCommand): string {
  return `mkdir /pipes
mkfifo -m 0600 /pipes/stdout /pipes/stderr
exec 7<<PIPE
PIPE
[ -p /proc/self/fd/7 ] || fail "the shell of busybox has no pipes for here-documents"
exec 4<"$port"${PORTS.stdin} 5>"$port"${PORTS.stdout} 6>"$port"${PORTS.stderr} 8>/proc/self/fd/7
chown ${uid}:${gid} /pipes/* /proc/self/fd/7
cat <&4 >&8 3>&- 4<&- 5>&- 6>&- 7<&- 8>&- &
helpers="$$ $!"
exec 4<&- 8>&-
cat </pipes/stdout >&5 3>&- 6>&- 7<&- &
output=$!
cat </pipes/stderr >&6 3>&- 5>&- 7<&- &
errors=$!
helpers="$helpers $output $errors"`;
}

/** A terminal that nobody has open forgets its size, and what was typed. */
function openTerminal({ user: { uid } }: GuestCommand): string {
  return `[ -c /dev/hvc0 ] || fail "the kernel has no terminal of virtio_console"
chown ${uid} /dev/hvc0
exec 4<>/dev/hvc0
stty rows "\${rows:-24}" cols "\${columns:-80}" <&4
helpers=$$`;
}

const AS_USER = `${GATE_FOLDER}/busybox su -p -s ${GATE_FOLDER}/sh ${USER_NAME} ${GATE_FOLDER}/gate`;

/** The command's user is found in files that stand in the place of the image's until it is that user: busybox takes names only. */
const BORROWED_IDENTITY = `mkfifo -m 0666 $gate/ready $gate/go
made=
mkdir -p /root/etc
for file in passwd group; do
  [ -e /root/etc/$file ] || made="$made /root/etc/$file"
  [ -e /root/etc/$file ] || : >/root/etc/$file
  mount -o bind /etc/$file /root/etc/$file || fail "/etc/$file of the image cannot be covered"
done
(
  timeout ${PATIENCE} sh -c 'read -r line' <>$gate/ready || fail "the command's user cannot be taken on"
  umount /root/etc/passwd
  umount /root/etc/group
  [ -z "$made" ] || rm -f $made
  echo >$gate/go
) &`;

/** Does what the host asks for while the command runs; ends when the host has all that it printed. */
const LISTENER = `(
  while read -r word argument columns <&3; do
    case $word in
      signal) kill -"$argument" "$(cat /command)" ;;
      size) stty rows "$argument" cols "$columns" <&4 ;;
      bye) break ;;
    esac
  done
  # Without a host there is nobody to run for.
  [ "$word" = bye ] || poweroff -f
) &
listener=$!
helpers="$helpers $listener"`;

/** The command was all that the guest is for; what it left running keeps its pipes open. */
const STOP_OTHERS = `for process in /proc/[0-9]*; do
  process=\${process#/proc/}
  case " $helpers " in
    *" $process "*) ;;
    *) kill -9 "$process" 2>/dev/null ;;
  esac
done`;

const CLOSE_PIPES = `wait $output $errors
printf %s "$end" >&5
printf %s "$end" >&6`;

/** The end of the command that it belonged to has hung the terminal up. */
const CLOSE_TERMINAL = `exec 4<>/dev/hvc0
stty raw -echo <&4
printf %s "$end" >&4`;

const UNMOUNT = `umount /root/dev/shm /root/dev/pts /root/dev /root/sys /root/proc 2>/dev/null
umount /root 2>/dev/null || mount -o remount,ro /root
sync`;

const FINISH = `echo "status $status" >&3
wait $listener
poweroff -f
sleep ${PATIENCE}`;

/**
 * What becomes the command: runs in the image's tree, as its user. It looks for the program itself, because busybox would take its own
 * of that name, and starts nothing but what has a path.
 */
export function gateScript(command: GuestCommand): string {
  const [program = '', ...args] = command.argv;
  const search = command.env.find((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const isBorrowed = identityFiles(command) !== undefined;
  return `${isBorrowed ? HANDSHAKE : ''}cd ${quoted(command.workingDir)} || exit 126
program=${quoted(program)}
case $program in
  */*) found=$program ;;
  *)
    found=
    search=${quoted(search)}:
    while [ -z "$found" ] && [ -n "$search" ]; do
      folder=\${search%%:*}
      search=\${search#*:}
      file=\${folder:-.}/$program
      if [ -f "$file" ] && [ -x "$file" ]; then found=$file; fi
    done
    ;;
esac
if [ -z "$found" ]; then
  echo "blockloom: $program: not found in PATH" >&2
  exit 127
fi
exec ${GATE_FOLDER}/busybox env -i -- ${command.env.map(quoted).join(' ')} "$found" ${args.map(quoted).join(' ')}
`;
}

const HANDSHAKE = `echo >${GATE_FOLDER}/ready
read -r line <${GATE_FOLDER}/go
`;
