import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { xenDiskLine } from '../../src/core/manifest/xen.ts';
import { requireTools } from '../helpers/tools.ts';
import { parseXenDisks, XEN_RAW } from '../helpers/xen-disks.ts';

/** Paths with all that can be quoted. */
const path = fc.stringMatching(/^\/[ -~äß€😀]{1,12}$/u).filter((text) => !(text.includes("'") && text.includes('"')));

/** Many at once: each run is a process. */
const DISKS = { minLength: 20, maxLength: 26 };

describe.skipIf(!requireTools('python3', '/usr/include/libxlutil.h'))("Xen's parser", () => {
  it('reads the disks that are written', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ target: path, isReadOnly: fc.boolean() }), DISKS), (given) => {
        const disks = given.map((disk, i) => ({ ...disk, vdev: `xvd${String.fromCharCode(0x61 + i)}` }));
        expect(parseXenDisks(xenDiskLine(disks))).toEqual(
          disks.map(({ target, vdev, isReadOnly }) => ({
            target,
            vdev,
            format: XEN_RAW,
            readwrite: isReadOnly ? 0 : 1,
          })),
        );
      }),
      { numRuns: 8 },
    );
  });
});
