import * as zlib from 'node:zlib';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { WINDOW_BYTES_MAX, type FrameHeader } from './zstd-frame.ts';
import { Xxh64 } from './xxh64.ts';

const OUTPUT_BYTES = 128 * 1024;

/** What decodes frames: libzstd inside Node (from 22.15), or the package `fzstd`. */
export type ZstdEngine = 'native' | 'fzstd';

/** Decodes one frame that is given to it in parts: its header, its blocks, its checksum. */
export interface FrameDecoder {
  push(part: Uint8Array): Promise<Uint8Array[]>;
  finish(checksum: Uint8Array | undefined): Promise<Uint8Array[]>;
  close(): void;
}

/** The part of zlib that the oldest Node supported here lacks. */
interface ZstdZlib {
  createZstdDecompress?(options: { chunkSize: number; params: Record<number, number> }): zlib.Gunzip;
  constants: { ZSTD_d_windowLogMax?: number };
}

const zstdZlib = zlib as ZstdZlib;

export const hasNativeZstd = zstdZlib.createZstdDecompress !== undefined;

/** A decoder by libzstd, off the main thread; it verifies the checksum itself. */
export function nativeDecoder(context: ImageErrorContext): FrameDecoder {
  const params = { [zstdZlib.constants.ZSTD_d_windowLogMax ?? 0]: Math.log2(WINDOW_BYTES_MAX) };
  const engine = zstdZlib.createZstdDecompress?.({ chunkSize: OUTPUT_BYTES, params });
  if (engine === undefined) throw new ImageError('option-invalid', 'this Node has no zstd', context);
  let output: Uint8Array[] = [];
  engine.on('data', (chunk: Uint8Array) => output.push(chunk));
  const failed = new Promise<never>((_, reject) => engine.on('error', (error) => reject(damaged(error, context))));
  failed.catch(() => undefined);
  const ended = new Promise<void>((resolve) => engine.on('end', resolve));

  const takeOutput = (): Uint8Array[] => {
    const taken = output;
    output = [];
    return taken;
  };
  return {
    async push(part) {
      await Promise.race([new Promise<void>((resolve) => engine.write(part, () => resolve())), failed]);
      return takeOutput();
    },
    async finish(checksum) {
      engine.end(checksum);
      await Promise.race([ended, failed]);
      return takeOutput();
    },
    close() {
      engine.destroy();
    },
  };
}

/** A decoder in JavaScript. It leaves the checksum alone, so it is verified here. */
export async function fzstdDecoder(header: FrameHeader, context: ImageErrorContext): Promise<FrameDecoder> {
  const { Decompress } = await import('fzstd');
  const hash = new Xxh64();
  let output: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => {
    if (header.hasChecksum) hash.update(chunk);
    // The decoder keeps no hold of it, but what follows it in the same buffer may be written yet.
    output.push(chunk.slice());
  });
  return {
    async push(part) {
      try {
        decoder.push(part);
      } catch (error) {
        throw damaged(error, context);
      }
      const taken = output;
      output = [];
      return taken;
    },
    async finish(checksum) {
      if (checksum === undefined) return [];
      const stored = new DataView(checksum.buffer, checksum.byteOffset, 4).getUint32(0, true);
      const computed = hash.digestLow();
      if (stored === computed) return [];
      const what = `zstd: a frame's checksum is 0x${stored.toString(16)}, computed 0x${computed.toString(16)}`;
      throw new ImageError('layer-corrupt', what, context);
    },
    close() {},
  };
}

function damaged(error: unknown, context: ImageErrorContext): ImageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ImageError('layer-corrupt', `zstd: ${reason}`, context, { cause: error });
}
