import { cpus } from 'node:os';

/** What a report says about where it was measured. */
export const host = (): Record<string, unknown> => ({
  node: process.version,
  processors: cpus().length,
  platform: `${process.platform} ${process.arch}`,
});
