import { displayName, utf8ByteString } from '../../core/bytes.ts';
import { ImageError } from '../../core/errors.ts';
import { recordOf } from './auth-file.ts';
import type { Answer } from './exchange.ts';
import { TransientFailure } from './patience.ts';

const ERROR_BYTES_MAX = 64 * 1024;
const SAID_MAX = 200;

/** The whole body of an answer. Throws `limit-exceeded` when it has more than `bytesMax` bytes. */
export async function bodyOf(answer: Answer, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.bytes()) {
    length += part.length;
    if (length > bytesMax) {
      const what = `${answer.url.host} sends more than ${bytesMax} bytes of what is no layer, which is the limit`;
      throw new ImageError('limit-exceeded', what);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** An answer that is not what was asked for, as an error; its body is read for the reason. */
export async function refusal(answer: Answer): Promise<ImageError | TransientFailure> {
  const { status, headers, url } = answer;
  const what = `${url.host} answers ${status}${await reasonOf(answer)}`;
  if (status === 404) return new ImageError('layer-not-found', what);
  if (status === 401 || status === 403) return new ImageError('registry-denied', what);
  const failure = new ImageError('registry-failed', what);
  const isTransient = status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
  return isTransient ? new TransientFailure(failure, retryAfterOf(headers)) : failure;
}

/**
 * What the server says of it, in brackets: the first of the `errors` that the distribution specification has it send, what token
 * servers send instead, or plain text. Nothing when it cannot be read.
 */
async function reasonOf(answer: Answer): Promise<string> {
  try {
    const text = Buffer.from(await bodyOf(answer, ERROR_BYTES_MAX))
      .toString('utf8')
      .trim();
    const isPlain = /^(?:text\/plain\b|$)/.test(answer.headers.get('content-type') ?? '') && !/^[{<]/.test(text);
    const said = isPlain ? text : saidInJson(JSON.parse(text));
    return said === '' ? '' : ` (${displayName(utf8ByteString(said), SAID_MAX)})`;
  } catch {
    return '';
  }
}

function saidInJson(value: unknown): string {
  const { errors, details, error_description: description } = recordOf(value);
  const first = recordOf(Array.isArray(errors) ? errors[0] : undefined);
  return [first['code'], first['message'], details, description].filter((part) => typeof part === 'string').join(': ');
}

/** RFC 9110, 10.2.3: seconds or a date. In milliseconds from now. */
function retryAfterOf(headers: Headers): number | undefined {
  const value = headers.get('retry-after') ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : Math.max(0, time - Date.now());
}
