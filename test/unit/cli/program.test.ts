import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type * as Program from '../../../src/cli/program.ts';
import { blockloom, output } from '../../helpers/cli.ts';

// The compiled one, which finds its package.json.
const COMPILED = join(import.meta.dirname, '../../../dist/src/cli/program.js');
const { createProgram } = (await import(COMPILED)) as typeof Program;
const { commands } = await createProgram(new AbortController().signal);

describe('help', () => {
  it('shows every command, examples and the exit statuses', () => {
    const text = output(['--help']);
    for (const command of commands) expect(text).toMatch(new RegExp(`^  ${command.name()} `, 'm'));
    expect(text).toContain('Examples:');
    expect(text).toContain('Exit status: 0 done, 1 failed, 2');
    expect(output(['help'])).toBe(text);
  });

  it('is what a command without arguments gives, as a usage error', () => {
    const { status, stdout, stderr } = blockloom([]);
    expect([status, stdout]).toEqual([2, '']);
    expect(`${output(['--help'])}\n`).toBe(stderr);
  });

  it.each(commands.map((command) => [command.name(), command] as const))(
    'of %s describes every option',
    (name, command) => {
      const text = output(['help', name]);
      expect(text).toMatch(new RegExp(`^Usage: blockloom ${name} `));
      for (const { flags, description } of command.options) {
        expect(text).toContain(flags);
        expect(description).not.toBe('');
      }
      expect(text.split('\n').filter((line) => line.length > 110)).toEqual([]);
    },
  );

  it('has the options of an image alike in every command that makes one', () => {
    const optionsOf = (name: string): string[] =>
      commands.find((command) => command.name() === name)!.options.map(({ flags }) => flags);
    const shared = optionsOf('measure');
    expect(shared).toContain('--mtime <time>');
    for (const name of ['build', 'hash', 'verify', 'map'])
      expect(optionsOf(name)).toEqual(expect.arrayContaining(shared));
  });
});

describe('--version', () => {
  it("is the package's", () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({ version: output(['--version']) });
  });
});
