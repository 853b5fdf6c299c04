import type { Backend, Export } from '../backend.ts';

/** What a conversation wants done by whoever owns the connection. */
export type Effect =
  | { readonly do: 'send'; readonly bytes: Uint8Array }
  /** Bytes of the client that nobody looks at. */
  | { readonly do: 'skip'; readonly length: number }
  /** Nothing that came before `reply` was sent may count, and everything after it is encrypted. */
  | { readonly do: 'start-tls'; readonly reply: Uint8Array }
  /** Answered with the backend, or with undefined when it cannot be opened. */
  | { readonly do: 'open'; readonly entry: Export }
  | { readonly do: 'close-backend'; readonly backend: Backend };

/** A number asks for so many bytes of the client. */
type Step = number | Effect;

export type Answer = Uint8Array | Backend | undefined;

/** A protocol as a generator: it yields what it needs, is resumed with the answer, and returns what came of it. */
export type Conversation<T> = Generator<Step, T, Answer>;

export function* take(length: number): Conversation<Uint8Array> {
  return length === 0 ? new Uint8Array(0) : ((yield length) as Uint8Array);
}

export function* skip(length: number): Conversation<void> {
  if (length > 0) yield { do: 'skip', length };
}

export function* send(bytes: Uint8Array): Conversation<void> {
  yield { do: 'send', bytes };
}

export function* open(entry: Export): Conversation<Backend | undefined> {
  return (yield { do: 'open', entry }) as Backend | undefined;
}
