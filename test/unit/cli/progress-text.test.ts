import { describe, expect, it } from 'vitest';
import { type PhaseState, progressJson, progressText } from '../../../src/cli/progress-text.ts';

const state = (part: Partial<PhaseState>): PhaseState => ({
  progress: { phase: 'reading layers' },
  seconds: 3,
  bytesPerSecond: undefined,
  filesPerSecond: undefined,
  hasEnded: false,
  ...part,
});

describe('progressText', () => {
  it('says what is known and no more', () => {
    expect(progressText(state({}))).toBe('reading layers');
    const walking = { phase: 'reading layers', files: { done: 123_456 } } as const;
    expect(progressText(state({ progress: walking }))).toBe('reading layers: 123,456 files');
    expect(progressText(state({ progress: walking, filesPerSecond: 40_000 }))).toBe(
      'reading layers: 123,456 files, 40,000 files/s',
    );
    expect(progressText(state({ progress: walking, hasEnded: true }))).toBe('reading layers: 123,456 files, in 3 s');
  });

  it('takes the time left from the files where bytes have no total', () => {
    const progress = { phase: 'planning', bytes: { done: 5 }, files: { done: 10, total: 40 } } as const;
    expect(progressText(state({ progress, filesPerSecond: 2 }))).toContain('15 s left');
  });

  it('is done with nothing to do', () => {
    expect(progressText(state({ progress: { phase: 'hashing', bytes: { done: 0, total: 0 } } }))).toContain('100 %');
  });
});

describe('progressJson', () => {
  it('leaves out what is not known', () => {
    expect(JSON.parse(progressJson(state({})))).toEqual({ phase: 'reading layers', seconds: 3, ended: false });
  });
});
