/** A string, whole or without an end, or a comma that nothing but a closing bracket follows. */
const STRING_OR_TRAILING_COMMA = /"(?:[^"\\]|\\.?)*"?|,(?=\s*[}\]])/gs;

/** The same text without the commas behind last members and elements, which Repeatr's examples have and JSON has not. */
export function withoutTrailingCommas(text: string): string {
  return text.replace(STRING_OR_TRAILING_COMMA, (token) => (token === ',' ? '' : token));
}
