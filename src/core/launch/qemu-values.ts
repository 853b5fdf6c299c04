/** A value between the commas of QEMU's options, where a comma of its own is two. qemu(1), "-drive" */
export function escapeComma(value: string): string {
  return value.replaceAll(',', ',,');
}
