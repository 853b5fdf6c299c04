import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exampleDefinition } from '../../../src/definition/example.ts';
import { folderAt } from '../../../src/definition/folder.ts';
import { entryRecord } from '../../../src/definition/inline-shapes.ts';
import { layerRecord } from '../../../src/definition/layer-shape.ts';
import { parseDefinition } from '../../../src/definition/read-definition.ts';
import { bootRecord, diskRecord, espRecord, partitionRecord } from '../../../src/definition/disk-shape.ts';
import { filesystemRecord } from '../../../src/definition/filesystem-shape.ts';
import { definitionRecord, definitionSchema } from '../../../src/definition/schema.ts';
import type { Fields } from '../../../src/definition/shape.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const PAGE = path('docs/image-definition.md');

/** The tables of the page, by the name of the comment before each. */
const TABLES: Readonly<Record<string, Fields>> = {
  definition: definitionRecord(folderAt('.')).fields,
  layer: layerRecord(folderAt('.')).fields,
  entry: entryRecord.fields,
  filesystem: filesystemRecord.fields,
  disk: diskRecord(folderAt('.')).fields,
  boot: bootRecord.fields,
  esp: espRecord(folderAt('.')).fields,
  partition: partitionRecord(folderAt('.')).fields,
};

function table(fields: Fields): string {
  const rows = Object.entries(fields).map(([name, { shape, meaning }]) => {
    const expected =
      shape.expected.startsWith('a map of type') || shape.expected.startsWith('a map of base64')
        ? 'a map'
        : shape.expected;
    return `| \`${name}\` | ${expected} | ${meaning} |`;
  });
  return ['| key | is | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** `npx vitest run -u` writes what these tests expect. */
describe('what is published of the table of keys', () => {
  it('is a JSON Schema', async () => {
    await expect(`${JSON.stringify(definitionSchema(), null, 2)}\n`).toMatchFileSnapshot(
      path('schema/image.schema.json'),
    );
  });

  it('is a page of tables', async () => {
    let page = readFileSync(PAGE, 'utf8');
    for (const [name, fields] of Object.entries(TABLES)) {
      const place = new RegExp(`(<!-- ${name} -->\n\n)(?:\\|[^\n]*\n)*`);
      expect(page).toMatch(place);
      page = page.replace(place, (_, start: string) => `${start}${table(fields)}\n`);
    }
    await expect(page).toMatchFileSnapshot(PAGE);
  });

  it('is an example, whose every key and comment is true', () => {
    expect(statSync(path('schema/image.schema.json')).isFile()).toBe(true);
    const example = exampleDefinition('x.json');
    const layers = ['./base.tar.zst', { reference: './site.tgz', at: '/srv/www' }];
    expect(parseDefinition(example, 'image.yaml', folderAt('.'))).toMatchObject({ label: 'root', free: 2 ** 20 });
    const uncommented = example.replaceAll(/^( *)# {3}( *)(- (?:\.|dir|oci|docker|\{)|\/)/gm, '$1$2$3');
    const all = parseDefinition(uncommented, 'image.yaml', folderAt('.'));
    expect(all.layers).toEqual(
      expect.arrayContaining([...layers, 'dir:./root', 'oci:./app:latest', 'docker://localhost:5000/app:1']),
    );
    expect(all.layers.at(-1)).toMatchObject({
      files: { '/sbin/init': { mode: 0o755 }, '/var/cache': { opaque: true } },
    });
  });
});
