import { ImageError } from '../errors.ts';
import type { Execution } from '../oci/execution.ts';
import type { ResolvedUser } from './users.ts';

/** What a command line says in place of an image's configuration. */
export interface CommandOptions {
  /** Takes the place of the configuration's command, behind its entry point. */
  readonly command: readonly string[];
  /** A program in place of the entry point, whose command is then not used either; '' for none. */
  readonly entrypoint?: string | undefined;
  /** `NAME=VALUE`. */
  readonly env: readonly string[];
  readonly workingDir?: string | undefined;
  /** What the guest calls itself. */
  readonly hostname?: string | undefined;
}

/** A program that runs in a guest. */
export interface GuestCommand {
  /** The program, a path or a name that is looked for in PATH, and its arguments. */
  readonly argv: readonly string[];
  /** `NAME=VALUE`, no name twice. */
  readonly env: readonly string[];
  /** Absolute. */
  readonly workingDir: string;
  readonly user: ResolvedUser;
  readonly hostname?: string | undefined;
}

/** What Docker and Podman give who says nothing. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The program and its arguments, as container engines put them together; none where neither side names one. */
export function commandArguments(execution: Execution | undefined, options: CommandOptions): string[] {
  const { command, entrypoint } = options;
  if (entrypoint !== undefined) return [...(entrypoint === '' ? [] : [entrypoint]), ...command];
  const { entrypoint: own = [], cmd = [] } = execution ?? {};
  return [...own, ...(command.length > 0 ? command : cmd)];
}

/** All that a command runs with. `host` is what its environment has unless said otherwise. Throws `option-invalid`. */
export function guestCommand(
  execution: Execution | undefined,
  options: CommandOptions,
  user: ResolvedUser,
  host: Readonly<Record<string, string>>,
): GuestCommand {
  const argv = commandArguments(execution, options);
  const [program = ''] = argv;
  if (program === '' || program.includes('=')) {
    throw new ImageError('option-invalid', `${JSON.stringify(program)} is no program that can be started here`);
  }
  const defaults = { PATH: DEFAULT_PATH, HOME: user.home, ...host };
  const variables = new Map(Object.entries(defaults));
  for (const variable of [...(execution?.env ?? []), ...options.env]) {
    const at = variable.indexOf('=');
    variables.set(variable.slice(0, at), variable.slice(at + 1));
  }
  const workingDir = `/${options.workingDir ?? execution?.workingDir ?? ''}`.replace(/^\/+/, '/');
  const env = Array.from(variables, ([name, value]) => `${name}=${value}`);
  return { argv, env, workingDir, user, hostname: options.hostname };
}
