import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './tools.ts';

/**
 * A multiboot kernel in place of a unikernel. It prints its command line, and a line for each disk that it finds on PCI as virtio was before
 * version 1: its sectors of 512 bytes, 8 hexadecimal digits. Then it reboots.
 */
const SOURCE = `
.code32
.section .multiboot, "a"
.align 4
.long 0x1badb002, 3, -(0x1badb002 + 3)
.text
.globl _start
_start:
  mov $stack, %esp
  mov 16(%ebx), %esi          # the command line
1: lodsb
  test %al, %al
  jz 2f
  call put
  jmp 1b
2: mov $0x80000000, %ebx      # PCI, bus 0, device 0, the identification
3: mov %ebx, %eax
  call config
  cmp $0x10011af4, %eax       # a disk of virtio, transitional
  jne 5f
  lea 0x10(%ebx), %eax
  call config
  and $0xfffc, %eax
  lea 0x14(%eax), %edx        # capacity, behind the header
  in %dx, %eax
  mov %eax, %ecx
  mov $10, %al
  call put
  mov $8, %edi
4: rol $4, %ecx
  mov %ecx, %eax
  and $15, %eax
  mov digits(%eax), %al
  call put
  dec %edi
  jnz 4b
5: add $0x800, %ebx
  cmp $0x80010000, %ebx
  jne 3b
  mov $10, %al
  call put
  mov $0xfe, %al
  out %al, $0x64
6: hlt
  jmp 6b
config:
  mov $0xcf8, %dx
  out %eax, %dx
  mov $0xcfc, %dx
  in %dx, %eax
  ret
put:
  mov $0x3f8, %dx
  out %al, %dx
  ret
digits: .ascii "0123456789abcdef"
.bss
.skip 4096
stack:
`;

/** Makes the kernel in a directory, and returns its path. */
export function makeMultibootKernel(directory: string): string {
  writeFileSync(join(directory, 'app.s'), SOURCE);
  run('as', ['--32', '-o', 'app.o', 'app.s'], { cwd: directory });
  const addresses = ['-Ttext', '0x100000', '--section-start=.multiboot=0xff000'];
  run('ld', ['-m', 'elf_i386', ...addresses, '-o', 'app.bin', 'app.o'], { cwd: directory });
  return join(directory, 'app.bin');
}
