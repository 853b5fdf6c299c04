import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Pictured, pictureData, type PictureOptions } from './picture-data.ts';

/** How much of the data is written at once, in bytes; a multiple of three, so that pieces of base64 join. */
const PIECE_BYTES = 3 * 16_384;

/**
 * A page that shows what lives where in an image, in pieces: one file that needs no other, and may load none. The same for the
 * same image. Throws `image-corrupt`.
 */
export function* mapHtml(image: Pictured, options: PictureOptions): Generator<string, void> {
  const { header, columns } = pictureData(image, options);
  const script = asset('page.js');
  const style = asset('style.css');
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(header.title)} - blockloom map</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws with JavaScript, all of which is in it.</noscript>
<main id="app"></main>
<script type="application/json" id="header">${jsonInHtml(header)}</script>
<script type="text/plain" id="columns">`;
  for (let at = 0; at < columns.length; at += PIECE_BYTES) {
    yield Buffer.from(columns.subarray(at, at + PIECE_BYTES)).toString('base64');
  }
  yield `</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

/** The page's script and style, which the build puts beside this module. */
function asset(name: string): string {
  return readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** JSON in which nothing can end the element that it stands in. */
const jsonInHtml = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
