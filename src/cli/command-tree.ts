import type { Command } from 'commander';

/** A command that does something, or the group of such commands. */
export interface NamedCommand {
  /** `build`; `cache`, `prune`. */
  readonly names: readonly string[];
  readonly command: Command;
}

/** The commands that do something, in the order of the help: those of a group in its place. */
export function leafCommands(program: Command): NamedCommand[] {
  return program.commands.flatMap((command) => {
    const name = command.name();
    if (command.commands.length === 0) return [{ names: [name], command }];
    return command.commands.map((inner) => ({ names: [name, inner.name()], command: inner }));
  });
}

/** The commands whose first argument is a command of theirs. */
export function groupCommands(program: Command): Command[] {
  return program.commands.filter(({ commands }) => commands.length > 0);
}
