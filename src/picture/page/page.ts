import { decode, type Header, inflate } from './decode.ts';
import { button, element, toggle } from './elements.ts';
import { byLayer, byUse, type Grouping } from './grouping.ts';
import { ImageMap, sizeText } from './image-map.ts';
import { css, MapView } from './map-view.ts';
import { chunkTable, describeBlock, legend } from './panel.ts';

const FOUND_MAX = 40;
const CHANGES_MAX = 500;

const header = JSON.parse(document.querySelector('#header')?.textContent ?? '') as Header;
const bytes = await inflate(document.querySelector('#columns')?.textContent ?? '');
const map = new ImageMap(header, decode(bytes, header));
start(document.querySelector('#app') ?? document.body);

function start(app: Element): void {
  const canvas = element('canvas', {
    tabindex: '0',
    role: 'img',
    'aria-label': `Map of the blocks of ${header.title}`,
  });
  const tip = element('div', { class: 'tip', role: 'status', 'aria-live': 'polite' });
  const unused = (): [string, string] => [css('--free'), css('--kept')];
  const groupings = (): Grouping[] => [
    ...(header.layers.length > 0 ? [byLayer(map, unused())] : []),
    byUse(map, unused()),
  ];
  const view = new MapView(canvas, map, groupings()[0]!);
  const side = element('aside');
  const legendPlace = element('section', { 'aria-label': 'legend' });
  const group = (index: number): void => {
    const grouping = groupings()[index]!;
    view.grouping = grouping;
    legendPlace.replaceChildren(legend(map, grouping, (chosen) => (view.isolated = chosen)));
  };
  const grid = toggle('Chunks', 'Lines around chunks of 512 KiB (g)', (isOn) => (view.hasGrid = isOn));
  const search = searchBox((name) => select(view, name));
  app.append(
    toolbar(view, grid, search, group),
    element('div', { class: 'stage' }, element('div', { class: 'canvas' }, canvas, tip), side),
  );
  side.append(...comparisonPart(view), legendPlace, element('h2', {}, 'Chunks of 512 KiB'), chunkTable(map));
  group(0);
  const tell = (block: number | undefined): void => {
    if (block === undefined) return;
    const { title, place } = describeBlock(map, block, view.blocksPerCell);
    tip.replaceChildren(element('strong', {}, title), element('span', {}, place));
  };
  listen(canvas, view, tell, grid, search);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => group(currentGroup(app)));
  new ResizeObserver(() => view.resized()).observe(canvas);
  requestAnimationFrame(() => {
    view.fit();
    tell(0);
    document.body.dataset['ready'] = 'true';
  });
}

const currentGroup = (app: Element): number =>
  [...app.querySelectorAll('.groups button')].findIndex((each) => each.getAttribute('aria-pressed') === 'true');

function toolbar(view: MapView, grid: Node, search: Node, group: (index: number) => void): HTMLElement {
  const { blocks, blockSize, title, label, uuid } = header;
  const names = header.layers.length > 0 ? ['Layers', 'Uses'] : ['Uses'];
  const groups = names.map((name, i) => {
    const made = button(name, `Colour by ${name.toLowerCase()}`, () => {
      for (const other of groups) other.setAttribute('aria-pressed', String(other === made));
      group(i);
    });
    made.setAttribute('aria-pressed', String(i === 0));
    return made;
  });
  const facts = [
    sizeText(blocks * blockSize),
    `${blocks} blocks of ${blockSize}`,
    ...(label === '' ? [] : [label]),
    uuid.slice(0, 8),
  ];
  return element(
    'header',
    {},
    element('h1', { title }, title),
    element('p', {}, facts.join(' · ')),
    element('div', { class: 'groups', role: 'group', 'aria-label': 'Colour by' }, ...groups),
    element(
      'div',
      { role: 'group', 'aria-label': 'Zoom' },
      button('−', 'Zoom out (-)', () => view.zoom(-1)),
      button('Fit', 'Show all (0)', () => view.fit()),
      button('+', 'Zoom in (+)', () => view.zoom(1)),
    ),
    grid,
    search,
  );
}

function searchBox(choose: (name: number) => void): HTMLElement {
  const input = element('input', { type: 'search', placeholder: 'Search a path ( / )', 'aria-label': 'Search a path' });
  const list = element('ul', { class: 'found', 'aria-label': 'Found' });
  input.addEventListener('input', () => {
    const found = input.value === '' ? [] : map.search(input.value, FOUND_MAX);
    list.replaceChildren(
      ...found.map((name) => {
        const pick = button(map.path(name), map.path(name), () => {
          list.replaceChildren();
          choose(name);
        });
        return element('li', {}, pick);
      }),
    );
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') list.querySelector('button')?.click();
    if (event.key === 'Escape') list.replaceChildren();
    event.stopPropagation();
  });
  return element('div', { class: 'search' }, input, list);
}

/** Shows a name: outlines its data, its inode and its directory, and goes where the first of them is. */
function select(view: MapView, name: number): void {
  const { data, inode, directory } = map.places(name);
  view.places = [
    { ranges: directory, color: css('--directory-place') },
    { ranges: inode, color: css('--inode-place') },
    { ranges: data, color: css('--data-place') },
  ];
  const [first = inode[0] ?? 0, end = first + 1] = data;
  view.show(first, end);
  const text = [`inode ${map.columns.nameIno[name]}`, sizeText(map.columns.nameSize[name] ?? 0)];
  const blocks =
    data.length / 2 > 0 ? `${data.length / 2} run${data.length > 2 ? 's' : ''} of blocks` : 'no blocks of its own';
  const tip = document.querySelector('.tip');
  tip?.replaceChildren(element('strong', {}, map.path(name)), element('span', {}, [...text, blocks].join(' · ')));
}

/** What changed, of a comparison. */
function comparisonPart(view: MapView): Node[] {
  const { comparison } = header;
  if (comparison === undefined) return [];
  const only = toggle(
    'Only what differs',
    'Show in colour what differs, and nothing else',
    (isOn) => (view.onlyMarks = isOn),
  );
  queueMicrotask(() => only.click());
  const { changes } = comparison;
  const items = changes.slice(0, CHANGES_MAX).map(({ path, what }) => {
    const name = map.nameOf(path);
    const text = [element('strong', {}, path), element('span', {}, what)];
    const item = element('button', { type: 'button', title: path }, ...text);
    item.disabled = name < 0;
    item.addEventListener('click', () => select(view, name));
    return element('li', {}, item);
  });
  const more = changes.length > CHANGES_MAX ? [element('li', {}, `and ${changes.length - CHANGES_MAX} more`)] : [];
  return [
    element('h2', {}, `Compared with ${comparison.with}`),
    only,
    element('ul', { class: 'changes' }, ...items, ...more),
  ];
}

function listen(
  canvas: HTMLCanvasElement,
  view: MapView,
  tell: (block: number | undefined) => void,
  grid: HTMLButtonElement,
  search: HTMLElement,
): void {
  let drag: { readonly y: number } | undefined;
  canvas.addEventListener('pointerdown', (event) => {
    drag = { y: event.offsetY };
    canvas.setPointerCapture(event.pointerId);
    const block = view.blockAt(event.offsetX, event.offsetY);
    if (block !== undefined) view.moveCursor(block);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (drag !== undefined) {
      view.pan(drag.y - event.offsetY);
      drag = { y: event.offsetY };
    }
    tell(view.blockAt(event.offsetX, event.offsetY));
  });
  canvas.addEventListener('pointerup', () => (drag = undefined));
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey || !event.shiftKey)
        view.zoom(event.deltaY < 0 ? 1 : -1, event.offsetX, event.offsetY);
      else view.pan(event.deltaY || event.deltaX);
    },
    { passive: false },
  );
  for (const kind of ['focus', 'blur']) canvas.addEventListener(kind, () => view.draw());
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step: Readonly<Record<string, number>> = {
      ArrowLeft: -view.blocksPerCell,
      ArrowRight: view.blocksPerCell,
      ArrowUp: -view.blocksPerRow,
      ArrowDown: view.blocksPerRow,
    };
    const move = step[event.key];
    if (event.key === '+' || event.key === '=') view.zoom(1);
    else if (event.key === '-') view.zoom(-1);
    else if (event.key === '0') view.fit();
    else if (event.key === 'g') grid.click();
    else if (event.key === '/') search.querySelector('input')?.focus();
    else if (event.key === 'PageDown' || event.key === 'PageUp')
      view.pan((event.key === 'PageDown' ? 0.8 : -0.8) * canvas.clientHeight);
    else if (move !== undefined && document.activeElement === canvas) {
      view.moveCursor(view.cursor + move);
      tell(view.cursor);
    } else return;
    event.preventDefault();
  });
}
