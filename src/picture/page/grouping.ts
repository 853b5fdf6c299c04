import { FILE, FREE, type ImageMap, KEPT, USES } from './image-map.ts';

/** A way to colour blocks. */
export interface Grouping {
  readonly names: readonly string[];
  readonly colors: readonly string[];
  groupOf(run: number): number;
}

/** Colours of the uses of a block, told apart by lightness as well as by hue. */
const USE_COLORS = [
  '#c2410c',
  '#ea580c',
  '#fb923c',
  '#b45309',
  '#be123c',
  '#db2777',
  '#7c3aed',
  '#a78bfa',
  '#4f46e5',
  '#06b6d4',
  '#2f6fb7',
] as const;

const METADATA = '#d97706';

/** Hues a golden angle apart, in three lightnesses by turns: neighbours differ in both. */
const layerColor = (layer: number): string => `hsl(${(205 + layer * 137.5) % 360} 55% ${[45, 63, 33][layer % 3]}%)`;

export function byUse({ columns }: ImageMap, unused: readonly [free: string, kept: string]): Grouping {
  return {
    names: USES,
    colors: [...USE_COLORS, ...unused],
    groupOf: (run) => columns.runUse[run] ?? FREE,
  };
}

export function byLayer({ columns, header }: ImageMap, unused: readonly [free: string, kept: string]): Grouping {
  const { layers } = header;
  const count = layers.length;
  return {
    names: [...layers.map((layer, i) => `${i}: ${layer}`), 'metadata', 'free', 'kept for what was removed'],
    colors: [...layers.map((_, i) => layerColor(i)), METADATA, ...unused],
    groupOf(run) {
      const use = columns.runUse[run] ?? FREE;
      if (use === FREE) return count + 1;
      if (use === KEPT) return count + 2;
      const layer = columns.runLayer[run] ?? -1;
      return use === FILE && layer >= 0 ? layer : count;
    },
  };
}
