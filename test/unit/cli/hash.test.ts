import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { isThere, run, skipped } from '../../helpers/tools.ts';

const cwd = sharedScratch();
const layers = writeLayers(cwd);

describe('hash', () => {
  it("prints what build's file has, without writing it", () => {
    const digest = output(['build', ...layers, '-o', 'disk.img'], { cwd }).slice(0, 64);
    expect(blockloom(['hash', ...layers], { cwd })).toEqual({ status: 0, stdout: `${digest}\n`, stderr: '' });
    expect(output(['hash', ...layers, '--algorithm', 'sha256'], { cwd })).toBe(digest);
  });

  it.skipIf(skipped(!isThere('fsverity', ['--version']), 'fsverity is missing'))(
    "prints the kernel's file digest",
    () => {
      for (const size of ['3M', '1032K', '100M']) {
        output(['build', ...layers, '-o', 'sized.img', '--force', '--size', size], { cwd });
        const theirs = run('fsverity', ['digest', '--compact', join(cwd, 'sized.img')])
          .toString()
          .trim();
        expect(output(['hash', ...layers, '--algorithm', 'fsverity', '--size', size], { cwd })).toBe(theirs);
      }
    },
  );

  it('prints JSON', () => {
    const digest = output(['hash', ...layers, '--size', '2M'], { cwd });
    expect(JSON.parse(output(['hash', ...layers, '--size', '2M', '--json'], { cwd }))).toEqual({
      algorithm: 'sha256',
      digest,
      size: 2 << 20,
    });
  });
});
