/**
 * How fast the processor's time stamp counter counts, in kHz, by /proc/cpuinfo of a host for amd64; undefined where that does not tell.
 * Linux takes `bogomips` from the counter, twice its MHz; `cpu MHz` is what the processor does at the moment, which is something else.
 */
export function counterKilohertz(cpuinfo: string): number | undefined {
  if (!/^flags\s*:.*\bconstant_tsc\b/m.test(cpuinfo)) return undefined;
  const bogomips = Number(/^bogomips\s*:\s*(\d+\.\d+)$/m.exec(cpuinfo)?.[1] ?? 0);
  const kilohertz = Math.round((bogomips * 1000) / 2);
  return kilohertz > 0 ? kilohertz : undefined;
}
