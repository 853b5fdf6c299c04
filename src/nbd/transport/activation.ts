import { NbdServerError } from '../errors.ts';

/** "sd_listen_fds": the first descriptor that is passed. */
const FIRST_DESCRIPTOR = 3;
const DESCRIPTORS_MAX = 64;

/**
 * The listening sockets that systemd, or whoever does as it does, has passed to this process. The variables are removed, so
 * that processes started from here do not take them for theirs. Throws `no-activation` when there are none.
 */
export function activationDescriptors(environment: NodeJS.ProcessEnv = process.env): number[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = environment;
  delete environment.LISTEN_PID;
  delete environment.LISTEN_FDS;
  delete environment.LISTEN_FDNAMES;
  if (
    pid !== String(process.pid) ||
    count === undefined ||
    !/^[1-9]\d?$/.test(count) ||
    Number(count) > DESCRIPTORS_MAX
  ) {
    throw new NbdServerError('no-activation', 'no sockets were passed to this process in LISTEN_FDS');
  }
  return Array.from({ length: Number(count) }, (_, i) => FIRST_DESCRIPTOR + i);
}
