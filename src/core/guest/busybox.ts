import type { QemuArchitecture } from '../launch/qemu.ts';

/** e_machine by architecture. */
const MACHINES: Readonly<Record<QemuArchitecture, number>> = { amd64: 62, arm64: 183 };
/** Fields of Elf64_Ehdr and Elf64_Phdr. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html */
const E_MACHINE = 0x12;
const E_PHOFF = 0x20;
const E_PHENTSIZE = 0x36;
const E_PHNUM = 0x38;
const PT_INTERP = 3;
/** 0x7f E L F, 64 bits, little-endian. */
const IDENTIFICATION = [0x7f, 0x45, 0x4c, 0x46, 2, 1] as const;

/** Whether a program of an architecture needs no other file to run: nothing loads libraries for it. */
export function isStaticProgram(program: Uint8Array, architecture: QemuArchitecture): boolean {
  if (!IDENTIFICATION.every((byte, i) => program[i] === byte)) return false;
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  try {
    if (view.getUint16(E_MACHINE, true) !== MACHINES[architecture]) return false;
    const [table, entryBytes] = [Number(view.getBigUint64(E_PHOFF, true)), view.getUint16(E_PHENTSIZE, true)];
    const types = Array.from({ length: view.getUint16(E_PHNUM, true) }, (_, i) =>
      view.getUint32(table + i * entryBytes, true),
    );
    return !types.includes(PT_INTERP);
  } catch (error) {
    // A header that points behind the end of the file.
    if (error instanceof RangeError) return false;
    throw error;
  }
}
