/** How much text is written at once. */
const PIECE_LENGTH = 65_536;

/** Writes text to standard output in pieces, so that a long one is never held whole. */
export class TextOutput {
  #text = '';

  async write(text: string): Promise<void> {
    this.#text += text;
    if (this.#text.length >= PIECE_LENGTH) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** Writes a JSON array, an element a line. */
export class JsonArrayOutput {
  readonly #output: TextOutput;
  #separator = '[';

  constructor(output = new TextOutput()) {
    this.#output = output;
  }

  async write(element: object): Promise<void> {
    await this.#output.write(`${this.#separator}${JSON.stringify(element)}`);
    this.#separator = ',\n';
  }

  async end(): Promise<void> {
    await this.#output.write(this.#separator === '[' ? '[]\n' : ']\n');
    await this.#output.flush();
  }
}
