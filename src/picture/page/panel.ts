import { element } from './elements.ts';
import type { Grouping } from './grouping.ts';
import { CHUNK, FILE, type ImageMap, sizeText, USES } from './image-map.ts';

/** The table of a grouping's groups, those without a block left out; choosing a row tells its group, choosing it again -1. */
export function legend(map: ImageMap, grouping: Grouping, choose: (group: number) => void): HTMLTableElement {
  const blocks = map.blocksByGroup((run) => grouping.groupOf(run), grouping.names.length);
  const body = element('tbody');
  let chosen = -1;
  for (const [group, name] of grouping.names.entries()) {
    const count = blocks[group] ?? 0;
    if (count === 0) continue;
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = grouping.colors[group] ?? '';
    const pick = element('button', { type: 'button', 'aria-pressed': 'false', title: name }, swatch, name);
    const bytes = count * map.header.blockSize;
    const share = (100 * count) / map.header.blocks;
    const row = element(
      'tr',
      { 'data-bytes': String(bytes) },
      element('th', { scope: 'row' }, pick),
      element('td', {}, sizeText(bytes)),
      element('td', {}, `${share.toFixed(share < 10 ? 2 : 1)} %`),
    );
    pick.addEventListener('click', () => {
      chosen = chosen === group ? -1 : group;
      for (const other of body.querySelectorAll('button'))
        other.setAttribute('aria-pressed', String(other === pick && chosen >= 0));
      choose(chosen);
    });
    body.append(row);
  }
  const head = element('thead', {}, element('tr', {}, th(''), th('size'), th('share')));
  return element('table', { class: 'legend' }, head, body);
}

const th = (text: string): HTMLElement => element('th', { scope: 'col' }, text);

/** How many chunks of 512 KiB hold one thing alone: those can be stored once for all images that have the same there. */
export function chunkTable(map: ImageMap): HTMLTableElement {
  const chunks = map.chunks();
  const count = (kind: number): number => chunks.reduce((sum, each) => sum + (each === kind ? 1 : 0), 0);
  const { layers } = map.header;
  const rows: (readonly [string, number])[] = [
    ...layers.map((layer, i) => [`of layer ${i} alone: ${layer}`, count(i)] as const),
    ['of files alone', count(CHUNK.data)],
    ['of metadata alone', count(CHUNK.metadata)],
    ['of several of these', count(CHUNK.mixed)],
    ['free', count(CHUNK.free)],
  ];
  const shown = rows.filter(([, each]) => each > 0);
  const body = shown.map(([name, each]) =>
    element('tr', {}, element('th', { scope: 'row', title: name }, name), element('td', {}, String(each))),
  );
  return element('table', { class: 'chunks' }, element('tbody', {}, ...body));
}

/** What a block is, in one line for the use and one for the place. */
export function describeBlock(
  map: ImageMap,
  block: number,
  blocksPerCell: number,
): { readonly title: string; readonly place: string } {
  const { columns, header } = map;
  const run = map.runAt(block);
  const use = columns.runUse[run] ?? 0;
  const name = columns.runName[run] ?? -1;
  const layer = columns.runLayer[run] ?? -1;
  const [start, end] = [columns.runStart[run] ?? 0, columns.runStart[run + 1] ?? 0];
  const title = name < 0 ? (USES[use] ?? '') : use === FILE ? map.path(name) : `${map.path(name)} (${USES[use]})`;
  const offset = block * header.blockSize;
  const parts = [
    ...(layer < 0 ? [] : [`layer ${layer} (${header.layers[layer]})`]),
    `block ${block}, offset 0x${offset.toString(16)}`,
    `${sizeText((end - start) * header.blockSize)} from block ${start}`,
  ];
  const more = map.runAt(Math.min(block + blocksPerCell, header.blocks) - 1) - run;
  if (more > 0) parts.push(`and ${more} more in this cell`);
  return { title, place: parts.join(' · ') };
}
