import { ImageError } from '../../core/errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whether a URL's host is this machine: `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback({ hostname }: URL): boolean {
  return LOOPBACK.test(hostname);
}

/** Which hosts are spoken to without TLS. */
export class HttpPolicy {
  readonly #plainHosts: ReadonlySet<string>;

  /** `plainHosts` are HOST or HOST:PORT; without a port, all of them are meant. */
  constructor(plainHosts: readonly string[]) {
    this.#plainHosts = new Set(plainHosts.map((host) => host.toLowerCase()));
  }

  /** Under which the API of `host` may be, in the order in which to try them. */
  originsOf(host: string): readonly URL[] {
    const plain = new URL(`http://${host}`);
    if (this.#isPlain(plain)) return [plain];
    const secure = new URL(`https://${host}`);
    return isLoopback(plain) ? [secure, plain] : [secure];
  }

  /**
   * Throws `registry-failed` when a server at `from` may not send a client to `to`: without TLS it must have been so before,
   * and be allowed for that host.
   */
  checkStep(from: URL, to: URL, what: string): void {
    const place = `${what} ${to.origin}`;
    if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refused(`${what} a ${to.protocol} address`);
    if (to.username !== '' || to.password !== '') throw refused(`${place} with a username in it`);
    if (to.protocol === 'https:') return;
    if (from.protocol === 'https:') throw refused(`${place}, from https`);
    if (!isLoopback(to) && !this.#isPlain(to)) throw refused(`${place}; --plain-http ${to.host} would allow it`);
  }

  #isPlain(url: URL): boolean {
    return this.#plainHosts.has(url.host) || this.#plainHosts.has(url.hostname) || this.#hasDefaultPort(url);
  }

  /** A URL does not keep the port that is its protocol's own. */
  #hasDefaultPort({ port, hostname, protocol }: URL): boolean {
    return port === '' && protocol === 'http:' && this.#plainHosts.has(`${hostname}:80`);
  }
}

function refused(what: string): ImageError {
  return new ImageError('registry-failed', `the registry ${what}, which is refused`);
}
