/** Bitcoin's: no 0, O, I or l. */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** The bytes as one number in base 58, most significant digit first; each zero byte in front of it is a `1`. */
export function base58(bytes: Uint8Array): string {
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++;
  // Least significant digit first.
  const digits: number[] = [];
  for (const byte of bytes.subarray(zeros)) {
    let carry = byte;
    for (let i = 0; i < digits.length; i++) {
      carry += digits[i]! * 256;
      digits[i] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  const text = digits.reverse().map((digit) => ALPHABET[digit]);
  return ALPHABET[0]!.repeat(zeros) + text.join('');
}

/** Whether a text has digits of base 58 only, and at least one. */
export function isBase58(text: string): boolean {
  return text !== '' && Array.from(text).every((character) => ALPHABET.includes(character));
}
