import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './tools.ts';

/** Outside the repository, and nobody else's: what is kept here becomes the system that tests mount and run. */
const KEPT = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'blockloom-tests');

/** A release of Debian, or of a relative, and where this machine's apt gets it. */
interface Release {
  readonly suite: string;
  readonly mirror: string;
}

/** The release that apt installs from. Throws when apt has no package lists. */
export function releaseOfApt(): Release {
  const format = '$(COMPONENT) $(RELEASE) $(REPO_URI)';
  const lists = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages', 'Origin: Debian']);
  const [, suite, mirror] = /^main ([a-z]+) (\S+)$/m.exec(lists.toString()) ?? [];
  if (suite === undefined || mirror === undefined)
    throw new Error('apt has no package lists of Debian; apt-get update');
  return { suite, mirror };
}

/** How long the mirror may take, in milliseconds; mostly it takes half a minute. */
const BOOTSTRAP_TIMEOUT = 300_000;

/** A tar of the smallest system that debootstrap makes; made once a day. */
export function bootstrap({ suite, mirror }: Release, scratch: string): string {
  const name = `debootstrap-${suite}-${new Date().toISOString().slice(0, 10)}.tar`;
  return keepMade('debootstrap-', name, () => {
    const system = join(scratch, 'system');
    run('debootstrap', ['--variant=minbase', suite, system, mirror], { timeout: BOOTSTRAP_TIMEOUT });
    const tar = join(scratch, name);
    tarOf(system, ['--exclude=./var/cache/apt/*.*', '--exclude=./var/lib/apt/lists/*_*', '.'], tar);
    rmSync(system, { recursive: true });
    return tar;
  });
}

/** What `make` makes, a file or a directory, kept as `name` between runs; older ones of the same prefix are removed. It has a directory to work in. */
export function keepMade(prefix: string, name: string, make: (directory: string) => string): string {
  mkdirSync(KEPT, { recursive: true, mode: 0o700 });
  const kept = readdirSync(KEPT);
  if (kept.includes(name)) return join(KEPT, name);
  for (const old of kept.filter((each) => each.startsWith(prefix)))
    rmSync(join(KEPT, old), { force: true, recursive: true });
  const partial = join(KEPT, `.${prefix}${process.pid}`);
  const directory = mkdtempSync(join(tmpdir(), `blockloom-${prefix}`));
  try {
    run('mv', [make(directory), partial]);
  } finally {
    rmSync(directory, { recursive: true });
  }
  try {
    renameSync(partial, join(KEPT, name));
  } catch (error) {
    // Another test has made it meanwhile.
    if (!existsSync(join(KEPT, name))) throw error;
    rmSync(partial, { recursive: true });
  }
  return join(KEPT, name);
}

/** Downloads packages of a release into `directory`; returns their files in the same order. */
export function downloadPackages(names: readonly string[], { suite }: Release, directory: string): string[] {
  run('apt-get', ['-qq', 'download', ...names.map((name) => `${name}/${suite}`)], { cwd: directory });
  const files = readdirSync(directory);
  return names.map((name) => join(directory, files.find((file) => file.startsWith(`${name}_`)) ?? name));
}

/** What a package installs, as it stands in the file: a tar that is compressed somehow. */
export function dataOfPackage(path: string): Uint8Array {
  const bytes = readFileSync(path);
  // An ar archive: 8 bytes, then members that begin at even offsets.
  for (let at = 8; at < bytes.length; ) {
    const [name, size] = [bytes.toString('latin1', at, at + 16), Number(bytes.toString('latin1', at + 48, at + 58))];
    if (name.startsWith('data.tar')) return bytes.subarray(at + 60, at + 60 + size);
    at += 60 + size + (size % 2);
  }
  throw new Error(`${path} has no data.tar`);
}

/** Writes a tar of `members` of a directory, with all that GNU tar can keep. */
export function tarOf(directory: string, members: readonly string[], path: string): void {
  const keep = ['--format=posix', '--numeric-owner', '--sort=name', '--acls', '--xattrs', '--xattrs-include=*'];
  run('tar', [...keep, '-C', directory, '-caf', path, ...members]);
}

/** What GNU tar makes of a tar in a directory that may have something already. */
export function untar(path: string, directory: string): void {
  run('tar', ['--numeric-owner', '-p', '--acls', '--xattrs', '--xattrs-include=*', '-C', directory, '-xf', path]);
}
