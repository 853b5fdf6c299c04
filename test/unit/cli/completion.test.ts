import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { blockloom, output } from '../../helpers/cli.ts';
import { isThere, skipped } from '../../helpers/tools.ts';

/** What bash offers for the last of `words`. */
function completions(...words: string[]): string[] {
  const script = `${output(['completion', 'bash'])}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blockloom; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words]);
  expect(stderr.toString()).toBe('');
  return stdout.toString().split('\n').filter(Boolean);
}

describe('completion', () => {
  it('is a script that its shell takes', () => {
    const shells = ['bash', 'zsh', 'fish'].filter((shell) => isThere(shell, ['--version']));
    expect(shells).toContain('bash');
    for (const shell of shells) {
      const { status, stderr } = spawnSync(shell, ['-n'], { input: output(['completion', shell]) });
      expect([shell, status, stderr.toString()]).toEqual([shell, 0, '']);
    }
    skipped(shells.length < 3, 'not all of bash, zsh and fish are installed');
  });

  it('offers the commands', () => {
    expect(completions('blockloom', '')).toEqual(expect.arrayContaining(['build', 'hash', 'verify', 'map', 'measure']));
    expect(completions('blockloom', 'me')).toEqual(['measure']);
  });

  it("offers a command's options and their choices", () => {
    expect(completions('blockloom', 'build', '--out')).toEqual(['--output']);
    expect(completions('blockloom', 'hash', '--algorithm', '')).toEqual(['sha256', 'fsverity']);
    expect(completions('blockloom', 'build', 'a.tar', '--placement', 'c')).toEqual(['compact']);
    expect(completions('blockloom', 'map', '--at')).toEqual(['--at']);
  });

  it('has the same options for fish', () => {
    const fish = output(['completion', 'fish']).split('\n');
    expect(fish).toContainEqual(expect.stringMatching(/__fish_use_subcommand -a build -d '.+'$/));
    expect(fish).toContainEqual(expect.stringMatching(/from build' -l output -s o -r -d '.+'$/));
    expect(fish).toContainEqual(expect.stringMatching(/from map' -l placement -x -a 'stable compact' -d '.+'$/));
  });

  it('knows no other shell', () => {
    expect(blockloom(['completion', 'tcsh']).status).toBe(2);
  });
});
