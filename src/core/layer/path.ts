import { type ByteString, displayName } from '../bytes.ts';
import { ImageError, type ImageErrorContext } from '../errors.ts';

/** The longest name of one directory entry, in bytes (EXT4_NAME_LEN). */
export const NAME_LENGTH_MAX = 255;

/**
 * The normalized form of a layer's path: leading `/` and `./` dropped, `.` and empty components dropped, `..` applied.
 * `''` is the root. Throws `name-escapes-root` for a `..` that leaves the root, `name-invalid` for a NUL or a component over 255 bytes.
 */
export function normalizePath(path: ByteString, context: ImageErrorContext): ByteString {
  if (isNormal(path)) return path;
  const components: ByteString[] = [];
  for (const component of path.split('/')) {
    if (component === '' || component === '.') continue;
    if (component === '..') {
      if (components.pop() === undefined) throw new ImageError('name-escapes-root', 'its .. leaves the root', context);
      continue;
    }
    components.push(component);
  }
  components.forEach((component, i) => checkName(component, i === components.length - 1, context));
  return components.join('/');
}

/** Whether a path is normal already, found without making anything: the case of nearly every entry. */
function isNormal(path: ByteString): boolean {
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    const code = i < path.length ? path.charCodeAt(i) : 0x2f;
    if (code === 0) return false;
    if (code !== 0x2f) continue;
    const length = i - start;
    if (length === 0 || length > NAME_LENGTH_MAX) return false;
    if (length <= 2 && path.charCodeAt(start) === 0x2e && path.charCodeAt(i - 1) === 0x2e) return false;
    start = i + 1;
  }
  return true;
}

/** The last component may be a whiteout, `.wh.` and the name of up to 255 bytes that it hides. */
function checkName(name: ByteString, isLast: boolean, context: ImageErrorContext): void {
  const length = isLast && name.startsWith('.wh.') ? name.length - 4 : name.length;
  if (length > NAME_LENGTH_MAX) {
    const what = `the name ${displayName(name, 40)} has ${name.length} bytes, at most ${NAME_LENGTH_MAX} fit a directory`;
    throw new ImageError('name-invalid', what, context);
  }
  if (name.includes('\0'))
    throw new ImageError('name-invalid', `the name ${displayName(name, 40)} holds a NUL`, context);
}
