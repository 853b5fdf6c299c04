import { ImageError } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { refusal } from './answer.ts';
import { type Answer, exchange, type ExchangeOptions } from './exchange.ts';
import { Patience, TransientFailure } from './patience.ts';
import type { RegistryClient } from './registry-client.ts';

type RemoteBlob = Pick<Descriptor, 'digest' | 'size' | 'urls'>;

/** An attempt that brings fewer bytes than this, and not the end, counts as one that brought nothing. */
const PROGRESS_BYTES = 16 * 1024;

/**
 * The bytes of a blob, `size` of them. A connection that breaks off or stalls is taken up again at the byte that it reached, or
 * from the start, with what was seen before passed over, at servers that do not do ranges. The digest is not looked at.
 * Throws ImageError: `layer-not-found`, `digest-mismatch` when there are more or fewer bytes, `registry-denied`, `registry-failed`.
 */
export async function* blobBytes(
  client: RegistryClient,
  blob: RemoteBlob,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const options = client.optionsFor(signal);
  const patience = new Patience(options);
  const source = new BlobSource(client, blob, options);
  let reached = 0;
  let rewarded = 0;
  while (reached < blob.size) {
    try {
      for await (const piece of source.from(reached)) {
        reached += piece.length;
        yield piece;
      }
    } catch (error) {
      // All bytes are there; how the connection ended does not matter.
      if (error instanceof TransientFailure && reached === blob.size) return;
      if (reached - rewarded >= PROGRESS_BYTES) patience.reward();
      rewarded = reached;
      await patience.wait(error);
    }
  }
}

/** Where a blob's bytes are asked for, and how. */
class BlobSource {
  readonly #client: RegistryClient;
  readonly #blob: RemoteBlob;
  readonly #options: ExchangeOptions;
  #doesRanges = true;
  /** Which of the URLs is asked, once the registry has said that it has not got the blob. */
  #url: number | undefined;

  constructor(client: RegistryClient, blob: RemoteBlob, options: ExchangeOptions) {
    this.#client = client;
    this.#blob = blob;
    this.#options = options;
  }

  /** The bytes from `start` on, in one attempt. */
  async *from(start: number): AsyncGenerator<Uint8Array> {
    const { size } = this.#blob;
    const answer = await this.#ask(this.#doesRanges ? start : 0);
    let at = this.#startOf(answer);
    if (at === undefined || at > start) {
      await answer.drop();
      this.#doesRanges = false;
      throw new TransientFailure(failed(answer, `answers a request for a range with another one`));
    }
    for await (const piece of answer.bytes()) {
      const fresh = piece.subarray(Math.min(Math.max(start - at, 0), piece.length));
      at += piece.length;
      if (at > size) throw wrongSize(answer, `more than the ${size} bytes`);
      if (fresh.length > 0) yield fresh;
    }
    if (at < size) throw new TransientFailure(failed(answer, `ends a blob after ${at} of ${size} bytes`));
  }

  async #ask(start: number): Promise<Answer> {
    const headers = start > 0 ? { range: `bytes=${start}-` } : {};
    const statuses = start > 0 ? [200, 206, 416] : [200];
    for (;;) {
      try {
        const path = `blobs/${this.#blob.digest}`;
        if (this.#url === undefined) return await this.#client.get(path, headers, statuses, this.#options);
        return await this.#askElsewhere(this.#blob.urls[this.#url] ?? '', headers, statuses);
      } catch (error) {
        const next = this.#url === undefined ? 0 : this.#url + 1;
        // Only the registry's own word counts; one of several addresses may be wrong in any way.
        const isOver = error instanceof ImageError && (this.#url !== undefined || error.code === 'layer-not-found');
        if (!isOver || next >= this.#blob.urls.length) throw error;
        this.#url = next;
      }
    }
  }

  /** Never without TLS, and never with credentials: whoever wrote the manifest chose the address. */
  async #askElsewhere(
    address: string,
    headers: Readonly<Record<string, string>>,
    statuses: readonly number[],
  ): Promise<Answer> {
    if (!URL.canParse(address) || !address.startsWith('https://')) {
      throw new ImageError('layer-not-found', 'the registry has not got it, and its other address is not https');
    }
    const answer = await exchange(new URL(address), { headers }, this.#options);
    if (statuses.includes(answer.status)) return answer;
    throw await refusal(answer);
  }

  /** The offset of the first byte of an answer; undefined when it is not one that can be used. */
  #startOf({ status, headers, url }: Answer): number | undefined {
    const { size } = this.#blob;
    const isEncoded = (headers.get('content-encoding') ?? 'identity') !== 'identity';
    if (isEncoded) this.#doesRanges = false;
    if (status === 200) {
      const length = Number(headers.get('content-length') ?? size);
      if (!isEncoded && length !== size) throw wrongSize({ url }, `${length} bytes`);
      return 0;
    }
    const [, start, last, total] =
      /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    const isUsable = status === 206 && !isEncoded && start !== undefined && Number(last) < size;
    return isUsable && (total === '*' || Number(total) === size) ? Number(start) : undefined;
  }
}

function failed({ url }: Pick<Answer, 'url'>, what: string): ImageError {
  return new ImageError('registry-failed', `${url.host} ${what}`);
}

function wrongSize({ url }: Pick<Answer, 'url'>, found: string): ImageError {
  return new ImageError('digest-mismatch', `${url.host} sends ${found}; its manifest says otherwise`);
}
