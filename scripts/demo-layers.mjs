import { Buffer } from 'node:buffer';

const BLOCK = 512;
const MTIME = 1_700_000_000;

/** The demo's three layers as tar archives, bottom first, always the same bytes. */
export function demoLayers() {
  return { base: tar(baseEntries()), middle: tar(middleEntries()), top: topLayer('hello') };
}

/** The top layer with a program of its own content: an application, a whiteout, a file that replaces a lower one. */
export function topLayer(greeting) {
  const random = generator(3);
  return tar([
    directory('srv/app'),
    file('srv/app/main.js', `console.log('${greeting}');\n`),
    file('srv/app/data.bin', randomBytes(random, 700_000)),
    file('etc/motd', 'the top layer replaces this file of the base\n'),
    file('usr/lib/plugins/.wh.plugin-07.so', ''),
  ]);
}

function baseEntries() {
  const random = generator(1);
  const folders = ['bin', 'etc', 'usr', 'usr/lib', 'usr/lib/plugins', 'usr/share', 'usr/share/doc', 'var', 'var/log'];
  const entries = [...folders.map(directory), file('etc/motd', 'welcome\n'), file('etc/hostname', 'demo\n')];
  for (let i = 0; i < 170; i++) {
    const folder = ['bin', 'usr/lib', 'usr/share/doc'][i % 3];
    entries.push(file(`${folder}/file-${number(i)}`, randomBytes(random, sizeOf(random))));
  }
  entries.push(symlink('lib', 'usr/lib'), symlink('usr/lib/libdemo.so', 'libdemo.so.1'));
  entries.push(file('usr/lib/libdemo.so.1', randomBytes(random, 150_000)), hardLink('bin/first', 'bin/file-000'));
  return entries;
}

function middleEntries() {
  const random = generator(2);
  return Array.from({ length: 30 }, (_, i) =>
    file(`usr/lib/plugins/plugin-${number(i).slice(1)}.so`, randomBytes(random, sizeOf(random))),
  );
}

const directory = (name) => ({ name: `${name}/`, type: '5', mode: 0o755, body: Buffer.alloc(0), linkName: '' });
const file = (name, body) => ({ name, type: '0', mode: 0o644, body: Buffer.from(body), linkName: '' });
const hardLink = (name, linkName) => ({ name, type: '1', mode: 0o644, body: Buffer.alloc(0), linkName });
const symlink = (name, linkName) => ({ name, type: '2', mode: 0o777, body: Buffer.alloc(0), linkName });

const number = (i) => String(i).padStart(3, '0');

/** A POSIX ustar archive of the entries. */
function tar(entries) {
  const blocks = entries.flatMap((entry) => [
    header(entry),
    entry.body,
    Buffer.alloc(-entry.body.length & (BLOCK - 1)),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** struct posix_header: numbers are octal text, the checksum is taken with its own field full of spaces. */
function header({ name, type, mode, body, linkName }) {
  const block = Buffer.alloc(BLOCK);
  const octal = (value, at, digits) => block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  block.write(name, 0, 100, 'latin1');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(body.length, 124, 11);
  octal(MTIME, 136, 11);
  block.fill(' ', 148, 156);
  block.write(type, 156, 'latin1');
  block.write(linkName, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  block[154] = 0;
  return block;
}

/** From 64 bytes to 512 KiB, small ones more often, as in real trees. */
function sizeOf(random) {
  return Math.floor(64 * 2 ** ((random() / 2 ** 32) * 13));
}

function randomBytes(random, length) {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = random();
  return Buffer.from(words.buffer, 0, length);
}

/** Xorshift, 32 bits: the same numbers on every machine. */
function generator(seed) {
  let state = seed * 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
