import { ImageError } from '../../core/errors.ts';
import { isLoopback } from './http-policy.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Fetch = typeof globalThis.fetch;

/** Those that go through proxies, by the proxy. */
const proxied = new Map<string, Fetch>();

/** fetch, through the proxy of `url` where the environment names one. Node's own sees none before release 22.21. */
export async function fetchFor(url: URL, environment: Environment): Promise<Fetch> {
  const proxy = proxyFor(url, environment);
  if (proxy === undefined) return fetch;
  const known = proxied.get(proxy.href);
  if (known !== undefined) return known;
  const undici = await import('undici');
  const dispatcher = new undici.ProxyAgent(proxy.href);
  const through = (async (address: URL, init: object) => undici.fetch(address, { ...init, dispatcher })) as Fetch;
  proxied.set(proxy.href, through);
  return through;
}

/**
 * The proxy for a URL, from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` or their lower-case names, as programs in Go read them
 * (https://pkg.go.dev/golang.org/x/net/http/httpproxy), but that NO_PROXY has no networks. This machine is never behind one.
 * Throws `option-invalid` for a proxy that does not speak HTTP.
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const either = (name: string): string => environment[name] || environment[name.toLowerCase()] || '';
  const named = either(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (named === '' || isLoopback(url) || isExcepted(url, either('NO_PROXY'))) return undefined;
  const address = named.includes('://') ? named : `http://${named}`;
  if (!URL.canParse(address) || !/^https?:/i.test(address))
    throw new ImageError('option-invalid', `the proxy for ${url.host} in the environment is no http or https address`);
  return new URL(address);
}

function isExcepted({ hostname, port, protocol }: URL, exceptions: string): boolean {
  const actualPort = port || (protocol === 'https:' ? '443' : '80');
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .some((exception) => {
      const [, name = '', onlyPort = actualPort] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(exception) ?? [];
      if (name === '*') return true;
      if (name === '' || onlyPort !== actualPort) return false;
      const domain = name.replace(/^\*?\./, '');
      return hostname.endsWith(`.${domain}`) || (domain === name && hostname === name);
    });
}
