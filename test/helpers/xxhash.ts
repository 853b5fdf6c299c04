const P64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** XXH64 with seed 0 in bigint, step by step as the specification has it: the oracle of the fast one. */
export function xxh64(bytes: Uint8Array): bigint {
  const [p1, p2, p3, p4, p5] = P64;
  const w = (x: bigint): bigint => BigInt.asUintN(64, x);
  const rotl = (x: bigint, n: bigint): bigint => w((x << n) | (x >> (64n - n)));
  const round = (acc: bigint, lane: bigint): bigint => w(rotl(w(acc + w(lane * p2)), 31n) * p1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let acc: bigint = p5;
  if (bytes.length >= 32) {
    const lanes = [w(p1 + p2), p2, 0n, w(-p1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i] ?? 0n, view.getBigUint64(at + 8 * i, true));
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    acc = w(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n));
    for (const lane of lanes) acc = w((acc ^ round(0n, lane)) * p1 + p4);
  }
  acc = w(acc + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) acc = w(rotl(acc ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  for (; at + 4 <= bytes.length; at += 4) acc = w(rotl(acc ^ w(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
  for (; at < bytes.length; at++) acc = w(rotl(acc ^ w(BigInt(view.getUint8(at)) * p5), 11n) * p1);
  acc = w((acc ^ (acc >> 33n)) * p2);
  acc = w((acc ^ (acc >> 29n)) * p3);
  return acc ^ (acc >> 32n);
}
