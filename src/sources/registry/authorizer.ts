import { ImageError } from '../../core/errors.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { DockerReference } from './docker-reference.ts';
import type { Answer, ExchangeOptions } from './exchange.ts';
import type { CredentialSearch } from './find-credentials.ts';
import { basicAuthorization, requestToken } from './token.ts';

/** What lets requests into one repository. */
export class Authorizer {
  readonly #reference: DockerReference;
  readonly #search: () => Promise<CredentialSearch>;
  #searched: Promise<CredentialSearch> | undefined;
  #authorization: string | undefined;
  #renewing: Promise<void> | undefined;

  /** `search` finds the credentials; it is asked once, and only when the registry wants some. */
  constructor(reference: DockerReference, search: () => Promise<CredentialSearch>) {
    this.#reference = reference;
    this.#search = search;
  }

  /** The Authorization header for the next request. */
  get authorization(): string | undefined {
    return this.#authorization;
  }

  /**
   * Takes up what a 401 offers to a request that carried `used`. Tokens end when their server wants, whatever they said: a 401 is
   * how one hears of it. Returns whether there is something else to try now. Requests that fail together renew once.
   */
  async renew(answer: Answer, used: string | undefined, options: ExchangeOptions): Promise<boolean> {
    while (this.#renewing !== undefined) await this.#renewing;
    if (this.#authorization === used) {
      this.#renewing = this.#take(answer, options).finally(() => {
        this.#renewing = undefined;
      });
      await this.#renewing;
    }
    return this.#authorization !== used;
  }

  /** A refusal, with where credentials were looked for. */
  async denied(refusal: ImageError): Promise<ImageError> {
    const { credentials, places } = await this.#find();
    const { host } = this.#reference;
    const tried =
      credentials === undefined
        ? `no credentials for ${host} in ${places.join(', ')}`
        : `with the credentials in ${places.join(', ')}`;
    return new ImageError(refusal.code, `${refusal.what}; ${tried}`, {}, { cause: refusal });
  }

  async #find(): Promise<CredentialSearch> {
    return (this.#searched ??= this.#search());
  }

  async #take({ headers, url }: Answer, options: ExchangeOptions): Promise<void> {
    const challenges = parseChallenges(headers.get('www-authenticate') ?? '');
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const basic = challenges.find(({ scheme }) => scheme === 'basic');
    const { credentials } = await this.#find();
    if (bearer !== undefined) {
      const token = await this.#token(bearer, url, options);
      this.#authorization = `Bearer ${token}`;
    } else if (basic !== undefined && credentials?.kind === 'password') {
      this.#authorization = basicAuthorization(credentials);
    }
  }

  async #token({ parameters }: Challenge, registry: URL, options: ExchangeOptions): Promise<string> {
    const address = parameters.get('realm') ?? '';
    if (!URL.canParse(address)) throw new ImageError('registry-failed', `${registry.host} names no token server`);
    const realm = new URL(address);
    options.policy.checkStep(registry, realm, 'has a token server at');
    const { credentials } = await this.#find();
    // Not the scope that the registry asks for: a token is to do no more than is needed.
    const scope = `repository:${this.#reference.repository}:pull`;
    try {
      return await requestToken({ realm, service: parameters.get('service'), scope }, credentials, options);
    } catch (error) {
      if (error instanceof ImageError && error.code === 'registry-denied') throw await this.denied(error);
      throw error;
    }
  }
}
