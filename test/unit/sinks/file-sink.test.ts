import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeImage } from '../../../src/sinks/file-sink.ts';
import { bytesOfFake, FakeImage } from '../../helpers/fake-image.ts';
import { scratch } from '../../helpers/scratch.ts';
import { run, skipped } from '../../helpers/tools.ts';

const MIB = 2 ** 20;
const isRoot = process.getuid?.() === 0;

const image = (): FakeImage => new FakeImage(6 * MIB, [{ start: MIB, end: 5 * MIB }]);
const content = bytesOfFake(image());

describe('writeImage', () => {
  it('writes every byte, and its digest is theirs', async () => {
    const folder = scratch();
    const { sha256 } = await writeImage(image(), join(folder, 'image'));
    expect(Buffer.compare(readFileSync(join(folder, 'image')), content)).toBe(0);
    expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
    expect(readdirSync(folder)).toEqual(['image']);
  });

  it('leaves holes in the file, also where data is zeros', async () => {
    const path = join(scratch(), 'image');
    const zeros = new FakeImage(6 * MIB, [{ start: MIB, end: 5 * MIB }]);
    const hidden = new FakeImage(6 * MIB, zeros.holes);
    // The zeros come as data: nothing says that they are a hole.
    hidden.extents = function* () {
      yield { offset: 0, length: this.size, hole: false };
    };
    for (const one of [zeros, hidden]) {
      await writeImage(one, path, { force: true });
      expect(statSync(path).size).toBe(6 * MIB);
      expect(statSync(path).blocks * 512).toBe(2 * MIB);
    }
  });

  it('has the permissions that the umask leaves', async () => {
    const path = join(scratch(), 'image');
    await writeImage(image(), path);
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it('refuses a file that exists, and replaces it when forced', async () => {
    const folder = scratch();
    const path = join(folder, 'image');
    writeFileSync(path, 'old');
    await expect(writeImage(image(), path)).rejects.toMatchObject({ code: 'output-exists' });
    expect(readFileSync(path, 'utf8')).toBe('old');
    await writeImage(image(), path, { force: true });
    expect(Buffer.compare(readFileSync(path), content)).toBe(0);
    expect(readdirSync(folder)).toEqual(['image']);
  });

  it('writes behind a symlink, which stays', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'elsewhere'));
    writeFileSync(join(folder, 'elsewhere/real'), 'old');
    symlinkSync('elsewhere/real', join(folder, 'image'));
    await expect(writeImage(image(), join(folder, 'image'))).rejects.toMatchObject({ code: 'output-exists' });
    await writeImage(image(), join(folder, 'image'), { force: true });
    expect(readlinkSync(join(folder, 'image'))).toBe('elsewhere/real');
    expect(Buffer.compare(readFileSync(join(folder, 'elsewhere/real')), content)).toBe(0);
  });

  it('refuses what is no regular file, forced or not', async () => {
    const folder = scratch();
    run('mkfifo', [join(folder, 'pipe')]);
    symlinkSync('nowhere', join(folder, 'dangling'));
    for (const path of [folder, join(folder, 'pipe'), '/dev/null', join(folder, 'dangling')]) {
      await expect(writeImage(image(), path, { force: true })).rejects.toMatchObject({ code: 'output-failed' });
    }
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(readdirSync(folder).toSorted()).toEqual(['dangling', 'pipe']);
  });

  it('says what is wrong with the place, without the names of temporary files', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'file'), '');
    const missing = join(folder, 'no/such/image');
    const below = join(folder, 'file/image');
    await expect(writeImage(image(), missing)).rejects.toThrow(`cannot write ${missing}: no such file or directory`);
    await expect(writeImage(image(), below)).rejects.toThrow(`cannot write ${below}: not a directory`);
  });

  it('leaves nothing behind when reading fails, an input changed or a signal came', async () => {
    const folder = scratch();
    const failing = image();
    failing.onRead = (offset) => {
      if (offset >= 5 * MIB) throw new Error('unreadable');
    };
    const changing = image();
    changing.onVerify = () => {
      throw new Error('changed');
    };
    const controller = new AbortController();
    const stopped = image();
    stopped.onRead = () => controller.abort(new Error('stopped'));
    const write = async (one: FakeImage) => writeImage(one, join(folder, 'image'), { signal: controller.signal });
    await expect(write(failing)).rejects.toThrow('unreadable');
    await expect(write(changing)).rejects.toThrow('changed');
    await expect(write(stopped)).rejects.toThrow('stopped');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(skipped(!isRoot, 'a full disk needs root'))('leaves nothing behind on a full disk', async () => {
    const folder = scratch();
    run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder]);
    onTestFinished(() => void run('umount', [folder]));
    const path = join(folder, 'image');
    await expect(writeImage(image(), path)).rejects.toThrow(`cannot write ${path}: no space left on device`);
    expect(readdirSync(folder)).toEqual([]);
  });
});
