import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { xenConfiguration, type XenGuest } from '../../src/core/manifest/xen.ts';
import { requireTools } from '../helpers/tools.ts';
import { parseXenConfiguration, XEN_RAW } from '../helpers/xen-configuration.ts';

/** Text with all that can be quoted. */
const quotable = (form: RegExp): fc.Arbitrary<string> =>
  fc.stringMatching(form).filter((text) => !(text.includes("'") && text.includes('"')));

const path = quotable(/^\/[ -~äß€😀]{1,12}$/u);
/** Many at once: each run is a process. */
const disks = fc.array(fc.record({ target: path, isReadOnly: fc.boolean() }), { minLength: 20, maxLength: 26 });

const guest: fc.Arbitrary<XenGuest> = fc.record({
  name: quotable(/^[!-~]{1,8}$/),
  type: fc.constantFrom('pv', 'pvh'),
  kernel: path,
  initrd: path,
  append: quotable(/^[ -~]{1,40}$/),
  memory: fc.integer({ min: 1, max: 1 << 20 }),
  cpus: fc.integer({ min: 1, max: 64 }),
  disks: disks.map((all) => all.map((disk, i) => ({ ...disk, vdev: `xvd${String.fromCharCode(0x61 + i)}` }))),
});

describe.skipIf(!requireTools('python3', '/usr/include/libxlutil.h'))("Xen's parser", () => {
  it('reads what is written of a guest and its disks', () => {
    fc.assert(
      fc.property(guest, (given) => {
        const { name, type, kernel, initrd: ramdisk, append: extra, memory, cpus } = given;
        expect(parseXenConfiguration(xenConfiguration(given))).toEqual({
          strings: { name, type, kernel, ramdisk, extra },
          numbers: { memory, vcpus: cpus },
          disks: given.disks.map(({ target, vdev, isReadOnly }) => ({
            target,
            vdev,
            format: XEN_RAW,
            readwrite: isReadOnly ? 0 : 1,
          })),
        });
      }),
      { numRuns: 12 },
    );
  });
});
