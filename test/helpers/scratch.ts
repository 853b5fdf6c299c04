import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A new directory that is removed when the test ends. */
export function scratch(): string {
  const directory = make();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A new directory for all tests of a file, removed after the last. */
export function sharedScratch(): string {
  const directory = make();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function make(): string {
  return mkdtempSync(join(tmpdir(), 'blockloom-test-'));
}
