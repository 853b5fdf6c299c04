import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A new directory that is removed when the test ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'blockloom-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A new directory that is removed after all tests of the file; for `beforeAll`. */
export function scratchForFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'blockloom-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
