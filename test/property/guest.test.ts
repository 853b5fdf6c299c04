import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { isStaticProgram } from '../../src/core/guest/busybox.ts';
import { kernelRelease } from '../../src/core/guest/kernel-release.ts';
import { readModuleInfo } from '../../src/core/guest/module-info.ts';
import { resolveUser } from '../../src/core/guest/users.ts';
import { parseExecution } from '../../src/core/oci/execution.ts';
import { makeElf } from '../helpers/elf-sections.ts';

/** Whether work ends, with a result or an ImageError. */
function isTold(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof ImageError) return true;
    throw error;
  }
}

const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });

function damaged(bytes: Buffer, changes: readonly (readonly [number, number])[], length: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of changes) copy[at % copy.length] = value;
  return copy.subarray(0, length % (copy.length + 1));
}

describe('what layers say of guests', () => {
  it('is read or refused, however a program is damaged', () => {
    const module = makeElf({ '.modinfo': 'depends=a,b\0softdep=pre: c\0' }, [1]);
    fc.assert(
      fc.property(damages, fc.nat(), (changes, length) => {
        const file = damaged(module, changes, length);
        return isTold(() => [readModuleInfo(file, 'm'), isStaticProgram(file, 'amd64')]);
      }),
    );
  });

  it('is read or refused, however a kernel is damaged', () => {
    const kernel = Buffer.alloc(0x210);
    kernel.write('HdrS', 0x202);
    fc.assert(
      fc.property(damages, fc.nat(), (changes, length) =>
        isTold(() => kernelRelease(damaged(kernel, changes, length))),
      ),
    );
    expect(kernelRelease(kernel.subarray(0, 0x20f))).toBeUndefined();
  });

  it('is read or refused, whatever stands in /etc/passwd and a configuration', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '0', '1', ':', ',', '\n', '#') });
    fc.assert(
      fc.property(text, text, text, (spec, passwd, group) => isTold(() => resolveUser(spec, { passwd, group }))),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (config) =>
        isTold(() => parseExecution(Buffer.from(JSON.stringify({ config })), 'c')),
      ),
    );
  });
});
