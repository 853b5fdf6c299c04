/** A word as every POSIX shell reads it back, quoted where it has to be. */
export function shellWord(text: string): string {
  return /^[\w@%+:,./=-]+$/.test(text) ? text : quoted(text);
}

/** A command as a shell reads it back. */
export function shellWords(argv: readonly string[]): string {
  return argv.map(shellWord).join(' ');
}

/** `export` is a keyword of shells that may also be a variable; a quoted assignment is safe for every value. */
export function shellAssignment(name: string, value: string): string {
  return `${name}=${quoted(value)}`;
}

/** A word in quotes, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
