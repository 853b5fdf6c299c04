import type { Grouping } from './grouping.ts';
import { CHUNK_BYTES, type ImageMap } from './image-map.ts';

/** How blocks are drawn: how many a cell stands for, and the side of a cell in pixels. */
interface Scale {
  readonly blocks: number;
  readonly pixels: number;
}

/** A block is shown alone from this size of a cell on. */
const CELL_MIN = 4;
const CELLS = [CELL_MIN, 6, 8, 12, 16, 24] as const;
/** Cells this large have a gap between them. */
const GAP_FROM = 6;

/** The map of blocks, row after row from the top left. */
export class MapView {
  readonly canvas: HTMLCanvasElement;
  readonly #map: ImageMap;
  readonly #scales: readonly Scale[];
  #grouping: Grouping;
  #scale = 0;
  #columns = 1;
  /** The first row that is seen, in rows; not whole while it is dragged. */
  #top = 0;
  #isolated = -1;
  #hasGrid = false;
  #onlyMarks = false;
  #places: readonly { readonly ranges: readonly number[]; readonly color: string }[] = [];
  cursor = 0;

  constructor(canvas: HTMLCanvasElement, map: ImageMap, grouping: Grouping) {
    this.canvas = canvas;
    this.#map = map;
    this.#grouping = grouping;
    const scales: Scale[] = CELLS.map((pixels) => ({ blocks: 1, pixels }));
    for (let blocks = 2; blocks / 2 < map.header.blocks; blocks *= 2) scales.unshift({ blocks, pixels: CELL_MIN });
    this.#scales = scales;
  }

  /** Shows the whole image, as large as fits. */
  fit(): void {
    this.#resize();
    this.#scale = this.#scales.findLastIndex((_, scale) => this.#rowsAt(scale) <= this.#seenRows(scale));
    if (this.#scale < 0) this.#scale = 0;
    this.#top = 0;
    this.#layOut();
    this.draw();
  }

  set grouping(grouping: Grouping) {
    this.#grouping = grouping;
    this.#isolated = -1;
    this.draw();
  }

  /** The group that alone is in colour; -1 for all. */
  set isolated(group: number) {
    this.#isolated = group;
    this.draw();
  }

  set hasGrid(hasGrid: boolean) {
    this.#hasGrid = hasGrid;
    this.draw();
  }

  set onlyMarks(onlyMarks: boolean) {
    this.#onlyMarks = onlyMarks;
    this.draw();
  }

  /** Outlines ranges of blocks. */
  set places(places: readonly { readonly ranges: readonly number[]; readonly color: string }[]) {
    this.#places = places;
    this.draw();
  }

  /** How many blocks a cell stands for. */
  get blocksPerCell(): number {
    return this.#at(this.#scale).blocks;
  }

  get blocksPerRow(): number {
    return this.#columns * this.blocksPerCell;
  }

  /** Zooms in or out by steps, with the block at a point of the canvas staying where it is. */
  zoom(steps: number, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2): void {
    const block = this.blockAt(x, y) ?? this.cursor;
    this.#scale = Math.min(Math.max(this.#scale + steps, 0), this.#scales.length - 1);
    this.#layOut();
    this.#top = block / this.blocksPerRow - y / this.#at(this.#scale).pixels;
    this.#limitTop();
    this.draw();
  }

  /** Scrolls by pixels. */
  pan(pixels: number): void {
    this.#top += pixels / this.#at(this.#scale).pixels;
    this.#limitTop();
    this.draw();
  }

  /** Brings a range of blocks into view, large enough to be seen. */
  show(first: number, end: number): void {
    const wanted = Math.max((end - first) * 8, 256);
    this.#scale = this.#scales.findLastIndex(
      (scale, i) => this.#seenRows(i) * this.#columnsAt(i) * scale.blocks >= wanted,
    );
    if (this.#scale < 0) this.#scale = 0;
    this.#layOut();
    this.#top = first / this.blocksPerRow - this.#seenRows(this.#scale) / 3;
    this.cursor = first;
    this.#limitTop();
    this.draw();
  }

  /** The block at a point of the canvas: the first of its cell. */
  blockAt(x: number, y: number): number | undefined {
    const { blocks, pixels } = this.#at(this.#scale);
    const column = Math.floor(x / pixels);
    const row = Math.floor(y / pixels + this.#top);
    const block = (row * this.#columns + column) * blocks;
    return column < this.#columns && row >= 0 && block < this.#map.header.blocks ? block : undefined;
  }

  /** Where a block's cell is on the canvas. */
  #pointOf(block: number): { x: number; y: number } {
    const { blocks, pixels } = this.#at(this.#scale);
    const cell = Math.floor(block / blocks);
    return { x: (cell % this.#columns) * pixels, y: (Math.floor(cell / this.#columns) - this.#top) * pixels };
  }

  /** Moves the cursor and keeps it in view. */
  moveCursor(block: number): void {
    this.cursor = Math.min(Math.max(block, 0), this.#map.header.blocks - 1);
    const { pixels } = this.#at(this.#scale);
    const { y } = this.#pointOf(this.cursor);
    if (y < 0) this.#top += y / pixels;
    else if (y + pixels > this.canvas.clientHeight) this.#top += (y + pixels - this.canvas.clientHeight) / pixels;
    this.#limitTop();
    this.draw();
  }

  resized(): void {
    this.#resize();
    this.#layOut();
    this.#limitTop();
    this.draw();
  }

  draw(): void {
    const context = this.canvas.getContext('2d');
    if (context === null) return;
    const ratio = devicePixelRatio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    this.#drawCells(context);
    if (this.#hasGrid) this.#drawGrid(context);
    for (const { ranges, color } of this.#places) this.#outline(context, ranges, color);
    if (document.activeElement === this.canvas) this.#outline(context, [this.cursor, this.cursor + 1], css('--focus'));
  }

  #drawCells(context: CanvasRenderingContext2D): void {
    const { blocks, pixels } = this.#at(this.#scale);
    const { header } = this.#map;
    const firstRow = Math.max(Math.floor(this.#top), 0);
    const lastRow = Math.min(Math.ceil(this.#top + this.canvas.clientHeight / pixels), this.#rowsAt(this.#scale));
    const gap = pixels >= GAP_FROM ? 1 : 0;
    const painter = new Dominant(this.#map, this.#grouping, this.#onlyMarks);
    for (let row = firstRow; row < lastRow; row++) {
      const y = (row - this.#top) * pixels;
      for (let column = 0; column < this.#columns; column++) {
        const block = (row * this.#columns + column) * blocks;
        if (block >= header.blocks) return;
        const group = painter.groupOf(block, Math.min(block + blocks, header.blocks));
        const isDimmed = group < 0 || (this.#isolated >= 0 && group !== this.#isolated);
        context.globalAlpha = isDimmed ? 0.14 : 1;
        context.fillStyle = this.#grouping.colors[group < 0 ? -group - 1 : group] ?? '';
        context.fillRect(column * pixels, y, pixels - gap, pixels - gap);
      }
    }
    context.globalAlpha = 1;
  }

  /** Lines around chunks, where they are far enough apart to be seen. */
  #drawGrid(context: CanvasRenderingContext2D): void {
    const { blocks, pixels } = this.#at(this.#scale);
    const cells = CHUNK_BYTES / this.#map.header.blockSize / blocks;
    if (cells < 3) return;
    context.strokeStyle = css('--grid');
    context.lineWidth = 1;
    context.beginPath();
    const rows = this.#rowsAt(this.#scale);
    const bottom = Math.min(this.canvas.clientHeight, (rows - this.#top) * pixels);
    if (this.#columns % cells === 0) {
      for (let column = 0; column <= this.#columns; column += cells)
        line(context, column * pixels, 0, column * pixels, bottom);
      // Every row ends a chunk; lines as close as rows of small cells would hide them.
      for (let row = Math.ceil(this.#top); pixels >= 8 && (row - this.#top) * pixels < bottom; row++) {
        line(context, 0, (row - this.#top) * pixels, this.#columns * pixels, (row - this.#top) * pixels);
      }
    } else {
      const perRow = cells / this.#columns;
      for (let row = Math.ceil(this.#top / perRow) * perRow; (row - this.#top) * pixels < bottom; row += perRow) {
        line(context, 0, (row - this.#top) * pixels, this.#columns * pixels, (row - this.#top) * pixels);
      }
    }
    context.stroke();
  }

  #outline(context: CanvasRenderingContext2D, ranges: readonly number[], color: string): void {
    const { blocks, pixels } = this.#at(this.#scale);
    const side = Math.max(pixels, 6);
    context.strokeStyle = color;
    context.lineWidth = 2;
    for (let i = 0; i < ranges.length; i += 2) {
      const end = Math.min(ranges[i + 1] ?? 0, (ranges[i] ?? 0) + 20_000 * blocks);
      for (let block = ranges[i] ?? 0; block < end; ) {
        const { x, y } = this.#pointOf(block);
        const rest = Math.ceil((end - block) / blocks);
        const count = Math.min(rest, this.#columns - Math.round(x / pixels));
        if (y > -side && y < this.canvas.clientHeight)
          context.strokeRect(x - 1, y - 1, Math.max(count * pixels, side), side);
        block = (Math.floor(block / blocks) + count) * blocks;
      }
    }
  }

  #resize(): void {
    this.canvas.width = Math.round(this.canvas.clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(this.canvas.clientHeight * devicePixelRatio);
  }

  #layOut(): void {
    this.#columns = this.#columnsAt(this.#scale);
  }

  /** As many as fit, in whole chunks or in a part of a chunk that divides it, so that chunks are rectangles. */
  #columnsAt(scale: number): number {
    const { blocks, pixels } = this.#at(scale);
    const fitting = Math.max(Math.floor(this.canvas.clientWidth / pixels), 1);
    const cells = CHUNK_BYTES / this.#map.header.blockSize / blocks;
    if (cells <= 1) return fitting;
    return fitting >= cells ? Math.floor(fitting / cells) * cells : 2 ** Math.floor(Math.log2(fitting));
  }

  #rowsAt(scale: number): number {
    return Math.ceil(this.#map.header.blocks / this.#at(scale).blocks / this.#columnsAt(scale));
  }

  #seenRows(scale: number): number {
    return Math.floor(this.canvas.clientHeight / this.#at(scale).pixels);
  }

  #at(scale: number): Scale {
    return this.#scales[scale] ?? { blocks: 1, pixels: CELL_MIN };
  }

  #limitTop(): void {
    this.#top = Math.min(Math.max(this.#top, 0), Math.max(0, this.#rowsAt(this.#scale) - this.#seenRows(this.#scale)));
  }
}

/** Which group has the most of a cell. Cells are asked in ascending order. */
class Dominant {
  readonly #map: ImageMap;
  readonly #grouping: Grouping;
  readonly #onlyMarks: boolean;
  readonly #weight: Float64Array;
  #run = -1;
  #mark = 0;

  constructor(map: ImageMap, grouping: Grouping, onlyMarks: boolean) {
    this.#map = map;
    this.#grouping = grouping;
    this.#onlyMarks = onlyMarks;
    this.#weight = new Float64Array(grouping.names.length);
  }

  /** A group; -1 - group for one that is not to be in colour. */
  groupOf(first: number, end: number): number {
    const { runStart } = this.#map.columns;
    const { runCount } = this.#map.header;
    let run = this.#run < 0 ? this.#map.runAt(first) : this.#run;
    while (run + 1 < runCount && (runStart[run + 1] ?? 0) <= first) run++;
    this.#run = run;
    if ((runStart[run + 1] ?? 0) >= end) return this.#marked(this.#grouping.groupOf(run), first, end);
    this.#weight.fill(0);
    let best = 0;
    for (; run < runCount && (runStart[run] ?? 0) < end; run++) {
      const length = Math.min(runStart[run + 1] ?? 0, end) - Math.max(runStart[run] ?? 0, first);
      const group = this.#grouping.groupOf(run);
      this.#weight[group] = (this.#weight[group] ?? 0) + length;
      if ((this.#weight[group] ?? 0) >= (this.#weight[best] ?? 0)) best = group;
    }
    return this.#marked(best, first, end);
  }

  #marked(group: number, first: number, end: number): number {
    if (!this.#onlyMarks) return group;
    const { marks } = this.#map.columns;
    while (this.#mark < marks.length && (marks[this.#mark + 1] ?? 0) <= first) this.#mark += 2;
    return this.#mark < marks.length && (marks[this.#mark] ?? 0) < end ? group : -1 - group;
  }
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.moveTo(Math.round(x0) - 0.5, Math.round(y0) - 0.5);
  context.lineTo(Math.round(x1) - 0.5, Math.round(y1) - 0.5);
}

/** The value of a custom property of the page. */
export const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
