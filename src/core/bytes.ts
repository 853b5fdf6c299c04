/**
 * A byte string: a JavaScript string whose every character is one byte, U+0000 to U+00FF. Names and xattr names of a
 * layer are arbitrary bytes; this form keeps them unchanged, compares in byte order with `<`, and works as a map key.
 */
export type ByteString = string;

const CHUNK = 4096;

/** The byte string that holds `bytes`. */
export function byteString(bytes: Uint8Array): ByteString {
  if (bytes.length <= CHUNK) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += byteString(bytes.subarray(at, at + CHUNK));
  return text;
}

/** The bytes of a byte string. */
export function bytesOf(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The bytes of ordinary text in UTF-8, as a byte string. */
export function utf8ByteString(text: string): ByteString {
  return byteString(new TextEncoder().encode(text));
}

/** How a name is shown to people: UTF-8 where it is valid and printable, else bytes as `\xNN`; at most `limit` characters. */
export function displayName(name: ByteString, limit = 256): string {
  const text = printable(name);
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function printable(name: ByteString): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(name));
    return text.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeByte);
  } catch {
    return name.replace(/[\\\p{Cc}\x80-\xff]/gu, escapeByte);
  }
}

function escapeByte(character: string): string {
  if (character === '\\') return '\\\\';
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** Two lower-case hexadecimal digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
