import { describe, expect, test } from 'vitest';
import { WRITE_BACK_UNIT, WriteBack } from '../../../src/sinks/write-back.ts';

/** A file that notes what is asked of it; each datasync ends when the test says so. */
function fakeFile() {
  const calls: string[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  return {
    calls,
    ends,
    datasync: async () => {
      calls.push('datasync');
      return new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
    },
    sync: async () => void calls.push('sync'),
  };
}

const turn = async () => new Promise((resolve) => setImmediate(resolve));

describe('writing back', () => {
  test('a small file is synced once, at its end', async () => {
    const file = fakeFile();
    const writeBack = new WriteBack(file);
    writeBack.wrote(WRITE_BACK_UNIT - 1);
    await writeBack.finish();
    expect(file.calls).toEqual(['sync']);
  });

  test('pieces go one at a time, and the end waits for the last', async () => {
    const file = fakeFile();
    const writeBack = new WriteBack(file);
    writeBack.wrote(WRITE_BACK_UNIT);
    writeBack.wrote(WRITE_BACK_UNIT);
    await turn();
    expect(file.calls).toEqual(['datasync']);
    file.ends[0]?.resolve();
    await turn();
    writeBack.wrote(1);
    const finished = writeBack.finish();
    await turn();
    expect(file.calls).toEqual(['datasync', 'datasync']);
    file.ends[1]?.resolve();
    await finished;
    expect(file.calls).toEqual(['datasync', 'datasync', 'sync']);
  });

  test('a piece that fails fails the end, though the sync would not', async () => {
    const file = fakeFile();
    const writeBack = new WriteBack(file);
    writeBack.wrote(WRITE_BACK_UNIT);
    await turn();
    file.ends[0]?.reject(new Error('EIO'));
    await turn();
    writeBack.wrote(WRITE_BACK_UNIT);
    await expect(writeBack.finish()).rejects.toThrow('EIO');
  });
});
