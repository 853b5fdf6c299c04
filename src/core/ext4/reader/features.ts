import { COMPAT, INCOMPAT, RO_COMPAT } from '../format/features.ts';
import { unsupported } from './failure.ts';

/** Which filesystems need more than there is here to be read. */
const REFUSED = INCOMPAT.compression | INCOMPAT.journal_dev | INCOMPAT.dirdata;
const KNOWN = Object.values(INCOMPAT).reduce((a, b) => a | b, 0);

/** Throws `image-unsupported`, naming the features, where one changes what is read in an unknown way. */
export function checkIncompat(incompat: number): void {
  const bad = (incompat & REFUSED) | (incompat & ~KNOWN);
  if (bad !== 0)
    throw unsupported(`filesystem features that are not read here: ${featureNames(INCOMPAT, bad).join(', ')}`);
}

/** The features of a filesystem, in dumpe2fs' names and order. */
export function featuresOf({
  compat,
  incompat,
  roCompat,
}: Readonly<Record<'compat' | 'incompat' | 'roCompat', number>>): string[] {
  return [...featureNames(COMPAT, compat), ...featureNames(INCOMPAT, incompat), ...featureNames(RO_COMPAT, roCompat)];
}

/** The names of the features that are set; one without a name is its number. */
function featureNames(table: Readonly<Record<string, number>>, set: number): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    const flag = 2 ** bit;
    if ((set & flag) === 0) continue;
    names.push(Object.entries(table).find(([, value]) => value === flag)?.[0] ?? `0x${flag.toString(16)}`);
  }
  return names;
}
