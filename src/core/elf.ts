import type { ByteString } from './bytes.ts';
import { bytes, struct, u16, u32 } from './struct.ts';

/** Elf64_Ehdr, 64 bytes. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
export const ElfHeader = struct('Elf64_Ehdr', 64, {
  e_ident: bytes(0x00, 16),
  e_type: u16(0x10),
  e_machine: u16(0x12),
  e_version: u32(0x14),
  e_entry_lo: u32(0x18),
  e_entry_hi: u32(0x1c),
  e_phoff_lo: u32(0x20),
  e_phoff_hi: u32(0x24),
  e_shoff_lo: u32(0x28),
  e_shoff_hi: u32(0x2c),
  e_ehsize: u16(0x34),
  e_phentsize: u16(0x36),
  e_phnum: u16(0x38),
  e_shentsize: u16(0x3a),
  e_shnum: u16(0x3c),
  e_shstrndx: u16(0x3e),
});

/** e_ident: the magic, 64 bits, little-endian, version 1. The system and its version behind them are the compiler's. */
export const ELF_IDENT: ByteString = '\x7fELF\x02\x01\x01';

/** Elf64_Phdr, 56 bytes. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html */
export const ProgramHeader = struct('Elf64_Phdr', 56, {
  p_type: u32(0x00),
  p_offset_lo: u32(0x08),
  p_offset_hi: u32(0x0c),
  p_filesz_lo: u32(0x20),
  p_filesz_hi: u32(0x24),
});

/** Elf64_Shdr, 64 bytes. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html */
export const SectionHeader = struct('Elf64_Shdr', 64, {
  sh_name: u32(0x00),
  sh_offset_lo: u32(0x18),
  sh_offset_hi: u32(0x1c),
  sh_size_lo: u32(0x20),
  sh_size_hi: u32(0x24),
});
