/** A little-endian ELF file of 64 bits with sections, for amd64. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.intro.html */
export function makeElf(sections: Readonly<Record<string, string>>, programTypes: readonly number[] = []): Buffer {
  const all = Object.entries({ '': '', ...sections });
  const names = [...all.map(([name]) => name), '.shstrtab'];
  const contents = [...all.map(([, content]) => Buffer.from(content, 'latin1')), Buffer.from(`${names.join('\0')}\0`)];
  const headers = Buffer.alloc(64 + programTypes.length * 56);
  let offset = headers.length;
  const table = contents.map((content, i) => {
    const header = Buffer.alloc(64);
    header.writeUInt32LE(
      names.slice(0, i).reduce((sum, name) => sum + name.length + 1, 0),
      0,
    );
    header.writeBigUInt64LE(BigInt(offset), 0x18);
    header.writeBigUInt64LE(BigInt(content.length), 0x20);
    offset += content.length;
    return header;
  });
  headers.write('\x7fELF\x02\x01\x01', 'latin1');
  headers.writeUInt16LE(62, 0x12);
  headers.writeBigUInt64LE(64n, 0x20);
  headers.writeBigUInt64LE(BigInt(offset), 0x28);
  headers.writeUInt16LE(56, 0x36);
  headers.writeUInt16LE(programTypes.length, 0x38);
  headers.writeUInt16LE(64, 0x3a);
  headers.writeUInt16LE(table.length, 0x3c);
  headers.writeUInt16LE(table.length - 1, 0x3e);
  programTypes.forEach((type, i) => headers.writeUInt32LE(type, 64 + i * 56));
  return Buffer.concat([headers, ...contents, ...table]);
}
