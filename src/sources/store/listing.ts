import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { INDEX_VERSION } from '../../core/layer/index-file.ts';
import { errnoOf } from '../failure.ts';
import { HASHES_VERSION } from './hash-store.ts';
import { STALE_MILLISECONDS } from './cache-directory.ts';
import { readRecord } from './source-records.ts';

/**
 * What the cache keeps: `layer`, a decompressed tar with all that is known of it; `index`, the entries of a tar that lies
 * elsewhere; `hashes`, those of a layer's blocks for hash trees; `record`, that such a tar was verified; `document`, a manifest or configuration from a registry; `unfinished`, what a process is writing; `leftover`, what nothing needs;
 * `other`, what this version does not know.
 */
type StoredKind = 'layer' | 'index' | 'hashes' | 'record' | 'document' | 'unfinished' | 'leftover' | 'other';

/** One thing that the cache keeps. Sizes are in bytes. */
export interface Stored {
  readonly kind: StoredKind;
  /** A layer's diffID, else the path below the cache. */
  readonly name: string;
  /** Its files, that which it cannot be without first. */
  readonly paths: readonly string[];
  /** All its files, and what they take on the disk. */
  readonly size: number;
  readonly allocated: number;
  /** Of `size`, what the layer's index takes. */
  readonly indexSize: number;
  /** In milliseconds since 1970; exact to a day. */
  readonly lastUsed: number;
  /** The files that it was decompressed from, where that is known. */
  readonly sources: readonly string[];
}

interface StoredFile {
  /** Below the cache, and its parts. */
  readonly name: string;
  readonly parts: readonly string[];
  readonly path: string;
  readonly stats: Stats;
}

/** All that the cache keeps, last used first. What disappears meanwhile is left out. */
export function listStore(cache: string): Stored[] {
  const files = [...filesBelow(cache, [])];
  const attached = new Map<string, StoredFile[]>();
  const blobs = new Set<string>();
  for (const { parts } of files) if (parts[0] === 'blobs') blobs.add(parts.slice(1).join(':'));
  const stored: Stored[] = [];
  for (const file of files) {
    const layer = layerOf(file);
    if (layer !== undefined && blobs.has(layer)) attached.set(layer, [...(attached.get(layer) ?? []), file]);
    else if (file.name !== 'CACHEDIR.TAG') stored.push(alone(file));
  }
  for (const [diffId, parts] of attached) stored.push(layerFrom(diffId, parts));
  return stored.sort((a, b) => b.lastUsed - a.lastUsed || (a.name < b.name ? -1 : 1));
}

function* filesBelow(cache: string, parts: readonly string[]): Generator<StoredFile> {
  for (const entry of entriesOf(join(cache, ...parts))) {
    const inner = [...parts, entry.name];
    if (entry.isDirectory()) yield* filesBelow(cache, inner);
    else {
      const path = join(cache, ...inner);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats !== undefined) yield { name: inner.join('/'), parts: inner, path, stats };
    }
  }
}

function entriesOf(path: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function readEntries(path: string) {
  return readdirSync(path, { withFileTypes: true });
}

const CURRENT_INDEX = `v${INDEX_VERSION}`;
const CURRENT_HASHES = `v${HASHES_VERSION}`;

/** The diffID of the layer that a file belongs to. */
function layerOf({ parts, path }: StoredFile): string | undefined {
  const [folder, second = '', third = '', fourth = ''] = parts;
  if (folder === 'blobs' || folder === 'verified') return `${second}:${third}`;
  if (folder === 'index' && second === CURRENT_INDEX) return third.replace('-', ':');
  if (folder === 'verity' && second === CURRENT_HASHES) return fourth.replace('-', ':');
  return folder === 'sources' ? readRecord(path)?.diffId : undefined;
}

function layerFrom(diffId: string, files: readonly StoredFile[]): Stored {
  const inOrder = files.toSorted((a, b) => Number(b.parts[0] === 'blobs') - Number(a.parts[0] === 'blobs'));
  const verified = files.find(({ parts }) => parts[0] === 'verified');
  return {
    ...described('layer', diffId, inOrder),
    indexSize: sum(files.filter(({ parts }) => parts[0] === 'index').map(({ stats }) => stats.size)),
    lastUsed: (verified ?? inOrder[0]!).stats.mtimeMs,
    sources: files.flatMap(({ parts, path }) => (parts[0] === 'sources' ? (readRecord(path)?.source ?? []) : [])),
  };
}

function alone(file: StoredFile): Stored {
  return { ...described(kindOf(file), file.name, [file]), indexSize: 0, lastUsed: file.stats.mtimeMs, sources: [] };
}

function kindOf({ parts, stats }: StoredFile): StoredKind {
  const [folder, second = ''] = parts;
  switch (folder) {
    case 'staging':
      return Date.now() - stats.mtimeMs > STALE_MILLISECONDS ? 'leftover' : 'unfinished';
    case 'verified':
    case 'sources':
      return 'leftover';
    case 'in-place':
      return 'record';
    case 'documents':
      return 'document';
    case 'index':
      if (second === CURRENT_INDEX) return 'index';
      return Number(second.slice(1)) < INDEX_VERSION ? 'leftover' : 'other';
    case 'verity':
      if (second === CURRENT_HASHES) return 'hashes';
      return Number(second.slice(1)) < HASHES_VERSION ? 'leftover' : 'other';
    default:
      return 'other';
  }
}

function described(kind: StoredKind, name: string, files: readonly StoredFile[]) {
  return {
    kind,
    name,
    paths: files.map(({ path }) => path),
    size: sum(files.map(({ stats }) => stats.size)),
    allocated: sum(files.map(({ stats }) => stats.blocks * STAT_BLOCK)),
  };
}

/** The unit of `st_blocks`, in bytes. */
const STAT_BLOCK = 512;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
