import { UNITS_PER_ENTRY } from './format/directory-entry.ts';

/** A name in UTF-16, or in words why FAT cannot hold it. */
export type LongName = { readonly text: string } | { readonly reason: string };

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** What no long name may hold. Microsoft FAT Specification, 7. */
const INVALID = /["*/:<>?\\|\p{Cc}]/u;

/** The name of a file or directory from its bytes, which are 1 to 255. */
export function longName(bytes: Uint8Array): LongName {
  let text: string;
  try {
    text = DECODER.decode(bytes);
  } catch {
    return { reason: 'a name that is not UTF-8' };
  }
  const [invalid] = INVALID.exec(text) ?? [];
  if (invalid !== undefined) {
    const isPrintable = !/\p{Cc}/u.test(invalid);
    return { reason: `a name that holds ${isPrintable ? invalid : 'a control character'}` };
  }
  if (/[. ]$/.test(text)) return { reason: `a name that ends in ${text.endsWith('.') ? 'a dot' : 'a space'}` };
  return { text };
}

/** How many entries a long name takes, beside that of its short name. */
export const longEntries = (text: string): number => Math.ceil(text.length / UNITS_PER_ENTRY);

const ASCII = /^[ -~]*$/;

/** A name by which two that differ in case alone are equal: upper case, unit by unit, as file systems' tables have it. */
export function foldCase(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  let folded = '';
  for (let i = 0; i < text.length; i++) {
    const upper = text[i]!.toUpperCase();
    folded += upper.length === 1 ? upper : text[i]!;
  }
  return folded;
}
