import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { chooseAccelerator } from '../../../src/guest/accelerator.ts';
import { scratch } from '../../helpers/scratch.ts';

/** A folder with a script in QEMU's place, and what KVM is tried with there. */
function trialOf(script: string) {
  const folder = scratch();
  const [program, device] = [join(folder, 'qemu'), join(folder, 'kvm')];
  writeFileSync(program, `#!/bin/sh\necho "$@" >>${folder}/tried\n${script}\n`, { mode: 0o755 });
  writeFileSync(device, '');
  const warnings: string[] = [];
  const onWarning = (warning: string): void => void warnings.push(warning);
  const trial = { program, architecture: 'amd64', kernel: '/vmlinuz', kernelName: 'vmlinuz', onWarning } as const;
  return {
    device,
    warnings,
    tried: join(folder, 'tried'),
    choose: async (kernelName = 'vmlinuz', cache: string | undefined = join(folder, 'cache')) =>
      chooseAccelerator({ ...trial, kernelName, cache }, device),
  };
}

describe('the accelerator', () => {
  it('is KVM where the kernel ends by its panic with it, and that is not found out twice', async () => {
    const { choose, warnings } = trialOf('[ -z "$(sed -n 2p "$(dirname "$0")/tried")" ]');
    expect([await choose(), await choose()]).toEqual(['kvm', 'kvm']);
    expect(warnings).toEqual([]);
  });

  it('is TCG where the kernel does not end well, which is said once', async () => {
    const { device, choose, warnings } = trialOf('exit 1');
    expect([await choose(), await choose()]).toEqual(['tcg', 'tcg']);
    expect(warnings).toEqual([
      `${device} is there, but the kernel does not start with it: QEMU emulates the processor`,
    ]);
  });

  it('is tried again with another kernel, and where nothing is kept', async () => {
    const { choose } = trialOf('[ -z "$(sed -n 2p "$(dirname "$0")/tried")" ]');
    expect([await choose('a'), await choose('b'), await choose('a')]).toEqual(['kvm', 'tcg', 'kvm']);
    const bare = trialOf('[ -z "$(sed -n 2p "$(dirname "$0")/tried")" ]');
    expect([await bare.choose('a', '/dev/null/cache'), await bare.choose('a', '/dev/null/cache')]).toEqual([
      'kvm',
      'tcg',
    ]);
  });

  it('is TCG where the device cannot be opened, and nothing is tried', async () => {
    const { device, choose, tried, warnings } = trialOf('');
    rmSync(device);
    expect(await choose()).toBe('tcg');
    expect([existsSync(tried), warnings]).toEqual([false, []]);
  });

  it('is TCG where the guest hangs, and QEMU is ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { choose, warnings } = trialOf('exec sleep 1000');
    const chosen = choose();
    vi.advanceTimersByTime(60_000);
    expect(await chosen).toBe('tcg');
    expect(warnings).toHaveLength(1);
  });
});
