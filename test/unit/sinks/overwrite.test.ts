import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeImage } from '../../../src/sinks/file-sink.ts';
import { overwrite } from '../../../src/sinks/overwrite.ts';
import { bytesOfFake, FakeImage } from '../../helpers/fake-image.ts';
import { scratch } from '../../helpers/scratch.ts';

const BLOCK = 4096;
const MIB = 2 ** 20;

/** An open file, and the blocks that are written to it. */
async function recorded(path: string): Promise<{ file: FileHandle; blocks: Set<number> }> {
  const file = await open(path, 'r+');
  const blocks = new Set<number>();
  const write = file.write.bind(file) as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
  Object.assign(file, {
    write: async (bytes: Uint8Array, at: number, length: number, position: number) => {
      for (let i = position; i < position + length; i += BLOCK) blocks.add(Math.floor(i / BLOCK));
      return write(bytes, at, length, position);
    },
  });
  return { file, blocks };
}

const blockOf = (bytes: Uint8Array, block: number): Buffer =>
  Buffer.concat([bytes.subarray(block * BLOCK, (block + 1) * BLOCK)], BLOCK);

describe('overwrite', () => {
  it('makes any file hold the image, and writes the blocks alone that differ', async () => {
    const path = join(scratch(), 'file');
    const blocks = fc.array(fc.constantFrom('same', 'zeros', 'other'), { maxLength: 200 });
    const holes = fc.tuple(fc.nat(64), fc.nat(64)).map(([start, length]) => ({ start, end: start + length + 1 }));
    await fc.assert(
      fc.asyncProperty(blocks, fc.integer({ min: 130, max: 160 }), holes, async (old, size, hole) => {
        const image = new FakeImage(size * BLOCK, [{ start: hole.start * BLOCK, end: hole.end * BLOCK }]);
        const content = bytesOfFake(image);
        const before = new Uint8Array(old.length * BLOCK);
        old.forEach((kind, i) => {
          if (kind === 'same') before.set(content.subarray(i * BLOCK, (i + 1) * BLOCK), i * BLOCK);
          if (kind === 'other') before.fill(1, i * BLOCK, (i + 1) * BLOCK);
        });
        writeFileSync(path, before);
        const { file, blocks: written } = await recorded(path);
        const { sha256, reused } = await overwrite(file, image);
        await file.close();
        expect(Buffer.compare(readFileSync(path), content)).toBe(0);
        expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
        const differing = Array.from({ length: size }, (_, i) => i).filter(
          (i) => !blockOf(before, i).equals(blockOf(content, i)),
        );
        expect([...written].toSorted((a, b) => a - b)).toEqual(differing);
        const zeros = Array.from({ length: size }, (_, i) => i).filter((i) =>
          blockOf(content, i).equals(new Uint8Array(BLOCK)),
        );
        const kept = size - new Set([...differing, ...zeros]).size;
        expect(reused).toEqual({ kept: kept * BLOCK, written: differing.length * BLOCK });
      }),
      { numRuns: 50 },
    );
  });

  it('reads holes of the image only as far as the file has something there', async () => {
    const path = join(scratch(), 'file');
    writeFileSync(path, new Uint8Array(MIB).fill(1));
    const { file, blocks } = await recorded(path);
    const huge = new FakeImage(2 ** 40, [{ start: 0, end: 2 ** 40 - BLOCK }]);
    huge.extents = function* () {
      yield { offset: 0, length: 2 * MIB, hole: true };
    };
    await overwrite(file, huge);
    await file.close();
    expect(blocks.size).toBe(MIB / BLOCK);
    expect(statSync(path).size).toBe(2 ** 40);
  });
});

describe('writeImage with a file to reuse', () => {
  const image = (): FakeImage => new FakeImage(6 * MIB, [{ start: MIB, end: 5 * MIB }]);

  /** As far as this filesystem can clone or not. */
  it('gives the same bytes and permissions in every way, and leaves the old file alone', async () => {
    const folder = scratch();
    const old = join(folder, 'old');
    writeFileSync(old, new Uint8Array(3 * MIB).fill(7), { mode: 0o400 });
    for (const reflink of ['auto', 'never'] as const) {
      const path = join(folder, 'new');
      await writeImage(image(), path, { force: true, reuse: { file: old, reflink } });
      expect(Buffer.compare(readFileSync(path), bytesOfFake(image()))).toBe(0);
      expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
    }
    expect(Buffer.compare(readFileSync(old), Buffer.alloc(3 * MIB, 7))).toBe(0);
    expect(readdirSync(folder).toSorted()).toEqual(['new', 'old']);
  });

  it('replaces the file that it reuses, and leaves it as it was when that fails', async () => {
    const folder = scratch();
    const path = join(folder, 'image');
    writeFileSync(path, 'old');
    const failing = image();
    failing.onVerify = () => {
      throw new Error('changed');
    };
    const options = { force: true, reuse: { file: path } };
    await expect(writeImage(failing, path, options)).rejects.toThrow('changed');
    expect(readFileSync(path, 'utf8')).toBe('old');
    await writeImage(image(), path, options);
    expect(Buffer.compare(readFileSync(path), bytesOfFake(image()))).toBe(0);
    expect(readdirSync(folder)).toEqual(['image']);
  });

  it('names what is no file', async () => {
    const folder = scratch();
    for (const file of [folder, join(folder, 'none'), '/dev/null']) {
      await expect(writeImage(image(), join(folder, 'image'), { reuse: { file } })).rejects.toMatchObject({
        code: 'layer-not-found',
      });
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says why nothing is shared, or fails when that was to be', async () => {
    const folder = scratch();
    // Of another filesystem than any folder for temporary files.
    const file = '/proc/self/status';
    const warnings: string[] = [];
    const onWarning = (warning: string): void => void warnings.push(warning);
    await writeImage(image(), join(folder, 'image'), { reuse: { file, onWarning } });
    expect(warnings).toEqual([
      expect.stringMatching(/^no blocks of \/proc\/self\/status can be shared: .*; the whole/),
    ]);
    const strict = { force: true, reuse: { file, reflink: 'always' } } as const;
    await expect(writeImage(image(), join(folder, 'image'), strict)).rejects.toMatchObject({ code: 'output-failed' });
    expect(readdirSync(folder)).toEqual(['image']);
  });
});
