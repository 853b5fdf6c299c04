import { byteString } from '../bytes.ts';
import { ELF_IDENT, ElfHeader, ProgramHeader } from '../elf.ts';
import type { QemuArchitecture } from '../launch/qemu.ts';
import { from64, viewOf } from '../struct.ts';

/** e_machine by architecture. */
const MACHINES: Readonly<Record<QemuArchitecture, number>> = { amd64: 62, arm64: 183 };
/** p_type of the segment that names what loads a program's libraries. */
const PT_INTERP = 3;

/** Whether a program of an architecture needs no other file to run: nothing loads libraries for it. */
export function isStaticProgram(program: Uint8Array, architecture: QemuArchitecture): boolean {
  if (program.length < ElfHeader.size || byteString(program.subarray(0, ELF_IDENT.length)) !== ELF_IDENT) return false;
  const view = viewOf(program);
  const header = ElfHeader.read(view, 0);
  if (header.e_machine !== MACHINES[architecture] || header.e_phentsize !== ProgramHeader.size) return false;
  const table = from64(header.e_phoff_lo, header.e_phoff_hi);
  if (table + header.e_phnum * ProgramHeader.size > program.length) return false;
  for (let i = 0; i < header.e_phnum; i++) {
    if (ProgramHeader.read(view, table + i * ProgramHeader.size).p_type === PT_INTERP) return false;
  }
  return true;
}
