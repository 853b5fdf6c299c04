import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Solo5Manifest } from '../../src/core/manifest/solo5.ts';
import { encodeAbiNote, encodeManifestNote, readSolo5Notes } from '../../src/core/manifest/solo5-notes.ts';
import { makeUnikernel } from '../helpers/elf-writer.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

const MANIFEST: Solo5Manifest = {
  devices: [
    { name: 'storage', type: 'BLOCK_BASIC' },
    { name: 'service0', type: 'NET_BASIC' },
  ],
};
const NOTES = { manifest: MANIFEST, target: 'hvt', abiVersion: 2 } as const;

/** As the linker scripts of Solo5 do it: a segment for each of its notes, and others in between. */
const SCRIPT = `
PHDRS { text PT_LOAD; other PT_NOTE; abi PT_NOTE; manifest PT_NOTE; }
SECTIONS {
  . = 0x100000;
  .text : { *(.text) } :text
  .note.other : { *(.note.other) } :text :other
  .note.solo5.abi : { *(.note.solo5.abi) } :text :abi
  .note.solo5.manifest : { *(.note.solo5.manifest) } :text :manifest
}`;

/** What Solo5's headers have a C compiler write. */
const SOURCE = `
.section .note.other, "a", @note
.balign 4
.long 8, 4, 1
.asciz "OpenBSD"
.long 0
.section .note.solo5.abi, "a", @note
.balign 4
.long 6, 16, 0x31494241
.asciz "Solo5"
.balign 4
.long 1, 2, 0, 0
.section .note.solo5.manifest, "a", @note
.balign 8
1: .long 6, 3f - 2f, 0x3154464d
.asciz "Solo5"
.balign 4
2: .balign 8
.long 1, 3
.macro entry name, type
9: .ascii "\\name"
.org 9b + 68
.long \\type
.quad 0, 0, 0
.byte 0
.balign 8
.endm
entry "", 0x40000000
entry "storage", 1
entry "service0", 2
3:
.text
.globl _start
_start: hlt
`;

describe.skipIf(!requireTools('as', 'ld', 'readelf'))('notes of Solo5', () => {
  it('are read from what an assembler and a linker make, and are the bytes that are written here', () => {
    const dir = scratch();
    writeFileSync(join(dir, 'app.s'), SOURCE);
    writeFileSync(join(dir, 'app.ld'), SCRIPT);
    run('as', ['--64', '-o', 'app.o', 'app.s'], { cwd: dir });
    run('ld', ['-m', 'elf_x86_64', '-static', '-T', 'app.ld', '-o', 'app.hvt', 'app.o'], { cwd: dir });
    const elf = readFileSync(join(dir, 'app.hvt'));
    expect(readSolo5Notes({ device: memoryDevice(elf), name: 'app.hvt' })).toEqual(NOTES);
    expect(elf.includes(Buffer.from(encodeManifestNote(MANIFEST)))).toBe(true);
    expect(elf.includes(Buffer.from(encodeAbiNote(NOTES)))).toBe(true);
  });

  it('are notes for readelf', () => {
    const path = join(scratch(), 'app.hvt');
    writeFileSync(path, makeUnikernel(NOTES));
    const text = run('readelf', ['--notes', '--wide', path]).toString();
    expect(text).toMatch(/Solo5\s+0x00000010\s+Unknown note type: \(0x31494241\)/);
    expect(text).toMatch(/Solo5\s+0x00000144\s+Unknown note type: \(0x3154464d\)/);
  });
});
