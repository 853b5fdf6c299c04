import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { isThere, LIMIT, skipped } from '../../helpers/tools.ts';

const folder = sharedScratch();

function script(shell: string): string {
  const path = join(folder, shell);
  writeFileSync(path, output(['completion', shell]));
  return path;
}

function offered(shell: string, args: readonly string[]): string[] {
  const { stdout, stderr } = spawnSync(shell, args, { ...LIMIT, env: { ...process.env, HOME: folder } });
  expect(stderr.toString()).toBe('');
  return stdout.toString().split('\n').filter(Boolean);
}

/** What bash offers for the last of `words`. */
function inBash(...words: string[]): string[] {
  const code = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blockloom; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return offered('bash', ['-c', code, script('bash'), ...words]);
}

/** The same in zsh, called as its bashcompinit calls it, which then takes what begins with the word. */
function inZsh(...words: string[]): string[] {
  const code = `autoload -Uz compinit && compinit -u -d "$HOME/zcompdump"; source "$0"
    call() { emulate -L sh; setopt kshglob noshglob braceexpand ksharrays
      typeset -a COMP_WORDS COMPREPLY; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blockloom
      printf '%s\\n' "\${COMPREPLY[@]}"; }
    call "$@"`;
  const all = offered('zsh', ['-f', '-c', code, script('zsh'), ...words]);
  return all.filter((word) => word.startsWith(words.at(-1)!));
}

/** The same in fish, without the descriptions. */
function inFish(...words: string[]): string[] {
  const code = `source ${script('fish')}; complete -C '${words.join(' ')}'`;
  return offered('fish', ['-N', '-c', code]).map((line) => line.split('\t')[0]!);
}

const SHELLS = [
  ['bash', inBash],
  ['zsh', inZsh],
  ['fish', inFish],
] as const;

describe.each(SHELLS)('completion in %s', (shell, completions) => {
  const isMissing = !isThere(shell, ['--version']);
  it.skipIf(skipped(isMissing, `${shell} is not installed`))('offers commands, their options and their choices', () => {
    const commands = completions('blockloom', '');
    expect(commands).toEqual(expect.arrayContaining(['build', 'hash', 'verify', 'cache', 'measure', 'help']));
    expect(completions('blockloom', 'me')).toEqual(['measure']);
    expect(completions('blockloom', 'help', 'comp')).toEqual(['completion']);
    expect(completions('blockloom', 'build', '--out')).toEqual(['--output']);
    expect(completions('blockloom', 'hash', '--algorithm', '').toSorted()).toEqual(['fsverity', 'sha256', 'verity']);
    expect(completions('blockloom', 'build', 'a.tar', '--placement', 'c')).toEqual(['compact']);
    expect(completions('blockloom', 'completion', 'z')).toEqual(['zsh']);
  });

  it.skipIf(isMissing)('knows the commands of a group', () => {
    expect(completions('blockloom', 'cache', '').toSorted()).toEqual(['ls', 'prune', 'verify']);
    expect(completions('blockloom', 'cache', 'prune', '--older')).toEqual(['--older-than']);
    expect(completions('blockloom', 'cache', 'verify', '--rem')).toEqual(['--remove']);
    // The other verify has another option that begins so.
    expect(completions('blockloom', 'verify', '--rem')).toEqual([]);
    expect(completions('blockloom', 'cache', 'ls', '--progress', 'p')).toEqual(['plain']);
  });
});

describe('completion', () => {
  it('knows no other shell', () => {
    expect(blockloom(['completion', 'tcsh']).status).toBe(2);
  });
});
