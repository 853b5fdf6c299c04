import { describe, expect, it } from 'vitest';
import { assert, ImageError } from '../../../src/core/errors.ts';

describe('an ImageError', () => {
  it.each([
    [{}, 'bad'],
    [{ layer: 3, path: 'usr/bin/ping', offset: 0x1a200 }, 'layer 3, entry usr/bin/ping, header at 0x1a200: bad'],
    [{ layer: 0, reference: 'a.tar' }, 'layer 0 (a.tar): bad'],
    [{ reference: 'a.tar' }, 'a.tar: bad'],
    [{ path: '' }, 'entry /: bad'],
    [{ offset: 0 }, 'header at 0x0: bad'],
  ])('in %o says its place', (context, message) => {
    const error = new ImageError('layer-corrupt', 'bad', context);
    expect(error).toMatchObject({ name: 'ImageError', code: 'layer-corrupt', what: 'bad', message });
    expect(error.context).toEqual({
      layer: undefined,
      reference: undefined,
      path: undefined,
      offset: undefined,
      ...context,
    });
  });

  it('keeps its place when the context moves on, and its cause', () => {
    const context = { layer: 1, offset: 512 };
    const cause = new Error('why');
    const error = new ImageError('layer-corrupt', 'bad', context, { cause });
    context.offset = 1024;
    expect(error.context.offset).toBe(512);
    expect(error.cause).toBe(cause);
  });
});

describe('a broken invariant', () => {
  it('is no ImageError', () => {
    expect(() => assert(true, 'one is one')).not.toThrow();
    expect(() => assert(false, 'one is two')).toThrow(/^broken invariant: one is two$/);
  });
});
