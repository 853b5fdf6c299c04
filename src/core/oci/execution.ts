import { JsonValue } from './json.ts';
import { DOCUMENT_BYTES_MAX } from './manifest.ts';

/** What an image's configuration says of the program that it is for. https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface Execution {
  /** As its author wrote it: `USER`, `UID`, and either with `:GROUP` or `:GID`; '' is root. */
  readonly user: string;
  /** `NAME=VALUE`; of a name that is there twice the last counts. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  /** Arguments of the entry point, or the command where there is none. */
  readonly cmd: readonly string[];
  /** '' is the root. */
  readonly workingDir: string;
}

/** How many arguments and variables are read, and how long each may be: Linux takes no longer ones (MAX_ARG_STRLEN). */
const STRINGS_MAX = 65_536;
const STRING_LENGTH_MAX = 131_072;

/** Reads what an image's configuration says of its program; `name` names it in errors. Throws `oci-invalid`. */
export function parseExecution(bytes: Uint8Array, name: string): Execution {
  const config = JsonValue.parse(bytes, name, DOCUMENT_BYTES_MAX).get('config');
  if (!config.isPresent) return { user: '', env: [], entrypoint: [], cmd: [], workingDir: '' };
  return {
    user: textOf(config.get('User')),
    env: textsOf(config.get('Env')).filter((variable) => variable.indexOf('=') > 0),
    entrypoint: textsOf(config.get('Entrypoint')),
    cmd: textsOf(config.get('Cmd')),
    workingDir: textOf(config.get('WorkingDir')),
  };
}

function textsOf(json: JsonValue): string[] {
  return json.elements(STRINGS_MAX).map(textOf);
}

/** No program can be given a NUL. */
function textOf(json: JsonValue): string {
  const text = json.isPresent ? json.string(STRING_LENGTH_MAX) : '';
  if (text.includes('\0')) throw json.invalid('no NUL');
  return text;
}
