import { bytesOf } from '../../src/core/bytes.ts';
import { ELF_IDENT, ElfHeader, ProgramHeader } from '../../src/core/elf.ts';
import { ET_EXEC, EV_CURRENT, PT_NOTE } from '../../src/core/manifest/elf-notes.ts';
import { encodeAbiNote, encodeManifestNote, type Solo5Notes } from '../../src/core/manifest/solo5-notes.ts';
import { high32, low32 } from '../../src/core/struct.ts';

const PT_LOAD = 1;

/** An executable of 64 bits, little-endian, with one segment a note and one that is none. */
export function makeElf(notes: readonly Uint8Array[]): Uint8Array {
  const segments = [{ type: PT_LOAD, data: new Uint8Array(16) }, ...notes.map((data) => ({ type: PT_NOTE, data }))];
  let at = ElfHeader.size + segments.length * ProgramHeader.size;
  const size = segments.reduce((sum, { data }) => sum + data.length, at);
  const elf = new Uint8Array(size);
  const view = new DataView(elf.buffer);
  ElfHeader.write(view, 0, {
    e_ident: bytesOf(ELF_IDENT),
    e_type: ET_EXEC,
    e_machine: 62,
    e_version: EV_CURRENT,
    e_entry_lo: 0x10_0000,
    e_phoff_lo: ElfHeader.size,
    e_ehsize: ElfHeader.size,
    e_phentsize: ProgramHeader.size,
    e_phnum: segments.length,
  });
  for (const [i, { type, data }] of segments.entries()) {
    ProgramHeader.write(view, ElfHeader.size + i * ProgramHeader.size, {
      p_type: type,
      p_offset_lo: low32(at),
      p_offset_hi: high32(at),
      p_filesz_lo: low32(data.length),
      p_filesz_hi: high32(data.length),
    });
    elf.set(data, at);
    at += data.length;
  }
  return elf;
}

/** A unikernel as far as its notes go. */
export const makeUnikernel = ({ manifest, target, abiVersion }: Solo5Notes): Uint8Array =>
  makeElf([encodeAbiNote({ target, abiVersion }), encodeManifestNote(manifest)]);
