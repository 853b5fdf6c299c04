import { cpioArchive, type CpioEntry, CpioType } from '../cpio/newc.ts';
import { gateScript, type GuestTask, identityFiles, initScript } from './init-script.ts';

/** A module that the guest loads. */
export interface LoadedModule {
  readonly name: string;
  /** Not compressed. */
  readonly bytes: Uint8Array;
}

/** What the guest's first program is made of. */
export interface InitramfsParts {
  /** A static busybox for the guest's architecture. */
  readonly busybox: Uint8Array;
  /** In the order of loading. */
  readonly modules: readonly LoadedModule[];
  readonly task: GuestTask;
}

const MODULE_DIGITS = 3;

/** The initramfs of a guest, a cpio archive. The same parts are the same bytes. */
export function makeInitramfs({ busybox, modules, task }: InitramfsParts): Uint8Array {
  const text = (path: string, content: string, permissions = 0o644): CpioEntry => ({
    path,
    mode: CpioType.file | permissions,
    data: new TextEncoder().encode(content),
  });
  const folder = (path: string): CpioEntry => ({ path, mode: CpioType.directory | 0o755 });
  const identity = task.kind === 'command' ? identityFiles(task.command) : undefined;
  return cpioArchive([
    folder('bin'),
    { path: 'bin/busybox', mode: CpioType.file | 0o755, data: busybox },
    folder('dev'),
    { path: 'dev/console', mode: CpioType.character | 0o600, device: [5, 1] },
    folder('etc'),
    ...(identity === undefined ? [] : [text('etc/passwd', identity.passwd), text('etc/group', identity.group)]),
    text('init', initScript(task), 0o755),
    ...(task.kind === 'command' ? [text('gate', gateScript(task.command))] : []),
    folder('modules'),
    ...modules.map(({ name, bytes }, i) => ({
      path: `modules/${String(i).padStart(MODULE_DIGITS, '0')}-${name}.ko`,
      mode: CpioType.file | 0o644,
      data: bytes,
    })),
  ]);
}
