/** A command line, divided at the first `--` where what stands behind it is a command for a guest, or words for a VMM. */
export interface DividedWords {
  readonly own: readonly string[];
  readonly command: readonly string[];
}

/** The commands that take one. */
const TAKING: ReadonlySet<string> = new Set(['run', 'attach']);

/** Divides `argv`; commander would take `--` away and read the options of others as its own. */
export function divideWords(argv: readonly string[]): DividedWords {
  const at = argv.indexOf('--');
  const name = argv.slice(2).find((word) => !word.startsWith('-'));
  if (at < 0 || name === undefined || !TAKING.has(name)) return { own: argv, command: [] };
  return { own: argv.slice(0, at), command: argv.slice(at + 1) };
}
