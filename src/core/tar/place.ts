import { type ByteString, displayName } from '../bytes.ts';
import { ImageError, type ImageErrorCode, type ImageErrorContext } from '../errors.ts';

/**
 * Where a reader stands in its tar: the context of its errors. One object moves along with the reader, and the
 * name's display form is made only when an error asks, because a tar has a million entries and one error.
 */
export class TarPlace implements ImageErrorContext {
  readonly layer: number;
  offset = 0;
  #name: ByteString | undefined;

  constructor(layer: number) {
    this.layer = layer;
  }

  get path(): string | undefined {
    return this.#name === undefined ? undefined : displayName(this.#name);
  }

  /** Moves to the header at `offset`, whose entry's name is not known yet. */
  moveTo(offset: number): void {
    this.offset = offset;
    this.#name = undefined;
  }

  nameIs(name: ByteString): void {
    this.#name = name;
  }

  error(code: ImageErrorCode, what: string): ImageError {
    return new ImageError(code, what, this);
  }
}
