import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'wasm/test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Machines may be slow; what is waited for mostly comes at once.
    expect: { poll: { timeout: 15_000 } },
    // The difference of two long byte arrays would take hours to find.
    diff: { truncateThreshold: 1000 },
    reporters: ['default', './test/unfinished-reporter.ts'],
  },
});
