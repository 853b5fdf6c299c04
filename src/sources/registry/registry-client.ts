import { ImageError } from '../../core/errors.ts';
import { bodyOf, refusal } from './answer.ts';
import { Authorizer } from './authorizer.ts';
import { speaksNoTls } from './connection-failure.ts';
import { apiHost, type DockerReference } from './docker-reference.ts';
import { type Answer, exchange, type ExchangeOptions } from './exchange.ts';
import type { CredentialSearch } from './find-credentials.ts';
import { persist, TransientFailure } from './patience.ts';

/** One repository of a registry, as the OCI distribution specification has it. */
export class RegistryClient {
  readonly #http: Omit<ExchangeOptions, 'signal'>;
  readonly #reference: DockerReference;
  readonly #authorizer: Authorizer;
  #origin: URL | undefined;

  constructor(
    reference: DockerReference,
    search: () => Promise<CredentialSearch>,
    http: Omit<ExchangeOptions, 'answered' | 'signal'>,
  ) {
    this.#http = { ...http, answered: new Set() };
    this.#reference = reference;
    this.#authorizer = new Authorizer(reference, search);
  }

  /** How requests are made that end with `signal`. */
  optionsFor(signal: AbortSignal | undefined): ExchangeOptions {
    return { ...this.#http, signal };
  }

  /**
   * The answer to a GET of `path` below the repository, with one of `statuses`. One attempt; an authorization that is missing or
   * has ended is renewed in it. Throws ImageError: `layer-not-found`, `registry-denied`, `registry-failed`; TransientFailure.
   */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    statuses: readonly number[],
    options: ExchangeOptions,
  ): Promise<Answer> {
    const url = new URL(`/v2/${this.#reference.repository}/${path}`, await this.#findOrigin(options));
    let answer = await this.#ask(url, headers, options);
    const { used } = answer;
    // What is elsewhere has no say in who we are.
    if (answer.status === 401 && !answer.isForeign && (await this.#authorizer.renew(answer, used, options))) {
      await answer.drop();
      answer = await this.#ask(url, headers, options);
    }
    if (statuses.includes(answer.status)) return answer;
    const failure = await refusal(answer);
    const isDenied = failure instanceof ImageError && failure.code === 'registry-denied';
    throw isDenied ? await this.#authorizer.denied(failure) : failure;
  }

  /** The whole answer to such a GET, tried again where that may help. */
  async getWhole(
    path: string,
    headers: Readonly<Record<string, string>>,
    bytesMax: number,
    options: ExchangeOptions,
  ): Promise<{ readonly bytes: Uint8Array; readonly headers: Headers }> {
    const attempt = async (): Promise<{ readonly bytes: Uint8Array; readonly headers: Headers }> => {
      const answer = await this.get(path, headers, [200], options);
      return { bytes: await bodyOf(answer, bytesMax), headers: answer.headers };
    };
    return persist(attempt, options);
  }

  async #ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
    options: ExchangeOptions,
  ): Promise<Answer & { used: string | undefined }> {
    const used = this.#authorizer.authorization;
    return { ...(await exchange(url, { headers, authorization: used }, options)), used };
  }

  /** Where the API is. A host that may speak TLS or not is asked once. */
  async #findOrigin(options: ExchangeOptions): Promise<URL> {
    return (this.#origin ??= await this.#probe(options));
  }

  async #probe(options: ExchangeOptions): Promise<URL> {
    const [first, second] = options.policy.originsOf(apiHost(this.#reference.host));
    if (first === undefined || second === undefined) return first!;
    try {
      await (await exchange(new URL('/v2/', first), {}, options)).drop();
      return first;
    } catch (error) {
      // What is not made for TLS may say so, hang up, or wait for more.
      if (speaksNoTls(error) || error instanceof TransientFailure) return second;
      throw error;
    }
  }
}
