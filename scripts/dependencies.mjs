import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The folder of package.json. */
export const ROOT = join(import.meta.dirname, '..');

/** The environment of every command: the tools of node_modules first, and the places where Debian keeps root's tools. */
export const ENVIRONMENT = {
  ...process.env,
  PATH: [join(ROOT, 'node_modules/.bin'), process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter),
};

/** Runs a command with the terminal as its own and returns its exit code; 127 when it cannot be started. */
export function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: ROOT,
    env: ENVIRONMENT,
    stdio: 'inherit',
    ...options,
  });
  if (error) console.error(`${command}: ${error.message}`);
  return status ?? (signal ? 1 : 127);
}

/** Runs a command silently; its output is shown only when it fails. */
export function runQuietly(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    env: ENVIRONMENT,
    encoding: 'utf8',
    ...options,
  });
  if (status !== 0)
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${command}: ${error.message}\n` : ''}`);
  return status ?? 127;
}

/** Whether node_modules holds what package-lock.json asks for; npm writes what it installed into a lock file of its own. */
export function dependenciesInstalled() {
  const installed = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, { version, optional, link }]) =>
      path === '' || !path.includes('node_modules/') || optional || link || installed[path]?.version === version,
  );
}

/** The npm command that installs what is missing: all of it, or what a half-filled node_modules lacks. */
export function installArguments() {
  return existsSync(join(ROOT, 'node_modules')) ? ['install', '--no-save'] : ['ci'];
}

/** A line that says why this Node cannot run the project, or undefined. */
export function nodeTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? undefined
    : `Node ${process.versions.node} found, 20.19 or newer needed`;
}

function packagesOf(lock) {
  const file = join(ROOT, lock);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}
