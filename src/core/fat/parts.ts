import type { NameOrder } from '../tree/order.ts';
import type { Tree } from '../tree/tree.ts';
import type { FatDirectories } from './directories.ts';
import type { FatGeometry } from './geometry.ts';
import type { FatOptions } from './options.ts';
import type { FatFiles, FatPlacement } from './placement.ts';

/** Everything that the plan of a FAT image is made of. */
export interface FatParts {
  readonly tree: Tree;
  readonly names: NameOrder;
  readonly directories: FatDirectories;
  readonly files: FatFiles;
  readonly geometry: FatGeometry;
  readonly placement: FatPlacement;
  readonly options: FatOptions;
}
