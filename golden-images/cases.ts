import { recipe as sixtyFourBit } from './64bit/recipe.ts';
import { recipe as compact } from './compact/recipe.ts';
import { recipe as directories } from './directories/recipe.ts';
import { recipe as diskGpt } from './disk-gpt/recipe.ts';
import { recipe as diskMbr } from './disk-mbr/recipe.ts';
import { recipe as empty } from './empty/recipe.ts';
import { recipe as everyFileType } from './every-file-type/recipe.ts';
import { recipe as ext2 } from './ext2/recipe.ts';
import { recipe as fatIncludeos } from './fat-includeos/recipe.ts';
import { recipe as fat12 } from './fat12/recipe.ts';
import { recipe as fat32 } from './fat32/recipe.ts';
import { recipe as fsVerity } from './fs-verity/recipe.ts';
import { recipe as hardLinks } from './hard-links/recipe.ts';
import { recipe as holes } from './holes/recipe.ts';
import { recipe as inlineData } from './inline-data/recipe.ts';
import { recipe as journal } from './journal/recipe.ts';
import { recipe as keepMtime } from './keep-mtime/recipe.ts';
import { recipe as largeDirectory } from './large-directory/recipe.ts';
import { recipe as names } from './names/recipe.ts';
import { recipe as oneFile } from './one-file/recipe.ts';
import { recipe as oneKibBlocks } from './one-kib-blocks/recipe.ts';
import type { Recipe } from './recipe.ts';
import { recipe as rootFilesystem } from './root-filesystem/recipe.ts';
import { recipe as tarImage } from './tar-image/recipe.ts';
import { recipe as verity } from './verity/recipe.ts';
import { recipe as whiteouts } from './whiteouts/recipe.ts';
import { recipe as xattrValues } from './xattr-values/recipe.ts';
import { recipe as xattrs } from './xattrs/recipe.ts';

/** All golden images, by the name of their folder. */
export const CASES: ReadonlyMap<string, Recipe> = new Map([
  ['empty', empty],
  ['one-file', oneFile],
  ['every-file-type', everyFileType],
  ['holes', holes],
  ['directories', directories],
  ['large-directory', largeDirectory],
  ['whiteouts', whiteouts],
  ['hard-links', hardLinks],
  ['xattrs', xattrs],
  ['xattr-values', xattrValues],
  ['inline-data', inlineData],
  ['names', names],
  ['root-filesystem', rootFilesystem],
  ['one-kib-blocks', oneKibBlocks],
  ['compact', compact],
  ['keep-mtime', keepMtime],
  ['verity', verity],
  ['fs-verity', fsVerity],
  ['journal', journal],
  ['ext2', ext2],
  ['64bit', sixtyFourBit],
  ['fat12', fat12],
  ['fat32', fat32],
  ['fat-includeos', fatIncludeos],
  ['tar-image', tarImage],
  ['disk-gpt', diskGpt],
  ['disk-mbr', diskMbr],
]);
