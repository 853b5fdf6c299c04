import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reaper } from './reaper.ts';

/** A temporary folder for what QEMU reads. Both are gone with this process, however it ends. To be removed. */
export class GuestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'blockloom-run-'));
  readonly reaper = new Reaper(this.path);

  /** Writes a file; returns its path. */
  write(name: string, bytes: Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, bytes, { mode: 0o600 });
    return path;
  }

  remove(): void {
    this.reaper.dismiss();
    rmSync(this.path, { recursive: true, force: true });
  }
}
