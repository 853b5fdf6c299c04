import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openLayers } from '../../src/sources/open-layers.ts';
import { makeTar } from './tar-writer.ts';

export const DAY = 24 * 60 * 60 * 1000;

/** Puts a file below a folder, last changed so many days ago. */
export function put(path: string, content: string, daysAgo = 0): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  age(path, daysAgo);
  return path;
}

export function age(path: string, daysAgo: number): void {
  const at = (Date.now() - daysAgo * DAY) / 1000;
  utimesSync(path, at, at);
}

/** Decompresses a layer of about `bytes` bytes into a cache; its diffID. The source is old enough to be recorded. */
export async function cacheLayer(cache: string, path: string, bytes: number): Promise<string> {
  const data = Uint8Array.from({ length: bytes }, (_, i) => (i * i) >> 7);
  writeFileSync(path, gzipSync(makeTar([{ name: `file-${bytes}`, data }])));
  const { layers } = await openLayers([path], { cache });
  layers[0]!.blob.close();
  return layers[0]!.diffId!;
}

/** The files below a folder, as paths from there, in order. */
export function filesBelow(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return all.filter((name) => statSync(join(folder, name)).isFile()).sort();
}
