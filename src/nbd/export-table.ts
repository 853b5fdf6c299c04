import type { Backend, Export } from './backend.ts';
import { NbdServerError } from './errors.ts';
import { STRING_BYTES_MAX } from './protocol.ts';

/** Exports by name; the first one is the default, unless one has the empty name. */
export class ExportTable {
  readonly #byName = new Map<string, Export>();
  readonly #first: Export;

  /** Throws `bad-export` for names and sizes that the protocol cannot express. */
  constructor(exports: readonly Export[]) {
    for (const entry of exports) {
      checkString('name', entry.name);
      checkString('description', entry.description ?? '');
      checkBlockBytesMin(entry);
      if (typeof entry.backend !== 'function') checkBackend(entry, entry.backend);
      if (this.#byName.has(entry.name)) throw new NbdServerError('bad-export', 'two exports have the same name');
      this.#byName.set(entry.name, entry);
    }
    const [first] = exports;
    if (first === undefined) throw new NbdServerError('bad-export', 'there is no export to serve');
    this.#first = first;
  }

  /** The export that a client means; '' is the default one. */
  find(name: string): Export | undefined {
    return this.#byName.get(name) ?? (name === '' ? this.#first : undefined);
  }

  /** The exports that a client may know of, in order. */
  visible(isEncrypted: boolean): Export[] {
    return [...this.#byName.values()].filter(({ tlsOnly }) => isEncrypted || tlsOnly !== true);
  }

  get hasTlsOnly(): boolean {
    return this.visible(false).length < this.#byName.size;
  }
}

/** Throws `bad-export` when the backend's size is none, or no multiple of the export's unit. */
export function checkBackend(entry: Export, { size }: Backend): void {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new NbdServerError('bad-export', `an export's size is ${size}, expected a number of bytes`);
  const unit = entry.blockBytesMin ?? 1;
  if (size % unit !== 0)
    throw new NbdServerError('bad-export', `an export's size is ${size}, expected a multiple of ${unit}`);
}

function checkBlockBytesMin({ blockBytesMin = 1 }: Export): void {
  if (blockBytesMin >= 1 && blockBytesMin <= 65_536 && Number.isInteger(Math.log2(blockBytesMin))) return;
  throw new NbdServerError('bad-export', `blockBytesMin is ${blockBytesMin}, expected a power of two up to 65536`);
}

function checkString(what: string, text: string): void {
  const isText = !/\p{Surrogate}|\0/u.test(text);
  if (isText && Buffer.byteLength(text) <= STRING_BYTES_MAX) return;
  throw new NbdServerError(
    'bad-export',
    `an export's ${what} is not text of up to ${STRING_BYTES_MAX} bytes without NUL`,
  );
}
