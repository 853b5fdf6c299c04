import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guard } from '../process/guard.ts';

/** A temporary folder for what QEMU reads. Both are gone with this process, however it ends. To be removed. */
export class GuestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'blockloom-run-'));
  readonly guard = new Guard();

  constructor() {
    this.guard.remember(['rm', '-rf', this.path]);
  }

  /** Writes a file; returns its path. */
  write(name: string, bytes: Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, bytes, { mode: 0o600 });
    return path;
  }

  remove(): void {
    this.guard.dismiss();
    rmSync(this.path, { recursive: true, force: true });
  }
}
