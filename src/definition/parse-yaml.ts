import {
  Composer,
  type CST,
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
} from 'yaml';
import type { ImageError } from '../core/errors.ts';
import { type DefinitionText, definitionError, type Member, shown, type Value } from './value.ts';

/** How deep lists and maps may stand in each other, counted as the parser does; a definition needs a dozen. */
const DEPTH_MAX = 100;

/**
 * Reads one document of YAML 1.2, or JSON, which is a part of it; `name` is how messages call it. Refused are what would surprise:
 * tags, directives, keys that are no text or stand twice, and several documents. Throws `definition-invalid`.
 */
export function parseYaml(text: string, name: string): { readonly value: Value; readonly text: DefinitionText } {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const source: DefinitionText = {
    name,
    placeOf: (position) => {
      const { line, col } = lines.linePos(position);
      return { line, column: col };
    },
  };
  const tokens = tokensOf(text, lines, source);
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
  });
  const [document] = composer.compose(tokens, true, text.length);
  checkDocument(document!, source);
  const { contents } = document!;
  if (contents === null) throw definitionError(source, 0, 'it is empty, expected a map with blockloom: 1 and layers');
  return { value: new Conversion(source).convert(contents), text: source };
}

/** The parser and the composer recurse with the depth of the text, so that is looked at on the way. */
function tokensOf(text: string, lines: LineCounter, source: DefinitionText): CST.Token[] {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let documents = 0;
  const take = (token: CST.Token): void => {
    if (token.type === 'document' && documents++ > 0) {
      throw definitionError(source, token.offset, 'a second document begins, expected one');
    }
    tokens.push(token);
  };
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) take(token);
    if (parser.stack.length > DEPTH_MAX)
      throw definitionError(source, parser.offset, 'lists and maps are nested too deep');
  }
  for (const token of parser.end()) take(token);
  return tokens;
}

/** What the parser says in its own terms. */
const MEANINGS: Partial<Record<ErrorCode, string>> = {
  MULTILINE_IMPLICIT_KEY: 'found text on several lines, expected KEY: VALUE; a colon may be missing',
  BLOCK_AS_IMPLICIT_KEY: 'found a second colon, or wrong indentation; text with a colon and a space stands in quotes',
  BAD_INDENT: 'found wrong indentation, expected that of the lines before',
};

function checkDocument({ errors, directives }: Document.Parsed | Document, source: DefinitionText): void {
  const [error] = errors;
  if (error !== undefined) {
    const what = `${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`;
    throw definitionError(source, error.pos[0], MEANINGS[error.code] ?? shown(what));
  }
  if (directives?.yaml.explicit === true) {
    throw definitionError(source, 0, 'found a %YAML directive, expected none: definitions are YAML 1.2');
  }
}

/** Makes values of nodes. What aliases repeat is the same value. */
class Conversion {
  readonly #source: DefinitionText;
  readonly #anchors = new Map<string, Value>();

  constructor(source: DefinitionText) {
    this.#source = source;
  }

  convert(node: Node | null, after = 0): Value {
    // A key without a value.
    if (node === null) return { kind: 'scalar', scalar: null, source: '', position: after };
    const position = node.range?.[0] ?? after;
    if (isAlias(node)) return this.#resolve(node.source, position);
    if ('tag' in node && node.tag !== undefined)
      throw this.#error(position, `found the tag ${shown(node.tag)}, expected none`);
    const value = this.#valueOf(node, position);
    if ('anchor' in node && typeof node.anchor === 'string') this.#anchors.set(node.anchor, value);
    return value;
  }

  #valueOf(node: Node, position: number): Value {
    if (isSeq<Node | null>(node)) {
      return { kind: 'list', items: node.items.map((item) => this.convert(item, position)), position };
    }
    if (isMap<Node, Node | null>(node)) return { kind: 'map', members: this.#members(node.items), position };
    if (!isScalar(node)) throw this.#error(position, 'found something else than a value');
    const { value, source } = node;
    const isKnown =
      value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (!isKnown) throw this.#error(position, 'found something else than text, a number, true or false');
    if (typeof value === 'string' && /\p{Surrogate}/u.test(value))
      throw this.#error(position, 'found text that is not Unicode');
    return { kind: 'scalar', scalar: value, source: source ?? String(value), position };
  }

  #members(pairs: readonly { readonly key: Node; readonly value: Node | null }[]): Member[] {
    const first = new Map<string, number>();
    return pairs.map(({ key: node, value }) => {
      const key = this.convert(node);
      if (key.kind !== 'scalar' || typeof key.scalar !== 'string') {
        throw this.#error(
          key.position,
          `found a key that is not text; keys are text, in quotes where it looks like a number`,
        );
      }
      const { scalar: name, position } = key;
      const before = first.get(name);
      if (before !== undefined) {
        throw this.#error(
          position,
          `found the key "${shown(name)}" again, it stands at line ${this.#source.placeOf(before).line}`,
        );
      }
      first.set(name, position);
      return { key: name, position, value: this.convert(value, position) };
    });
  }

  /** An alias in what it repeats would have no end; it comes before the anchor is known. */
  #resolve(anchor: string, position: number): Value {
    const value = this.#anchors.get(anchor);
    if (value === undefined) throw this.#error(position, `the alias *${shown(anchor)} is not defined before it`);
    return value;
  }

  #error(position: number, what: string): ImageError {
    return definitionError(this.#source, position, what);
  }
}
