import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { blockloom, output } from '../helpers/cli.ts';
import { sharedScratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const hasTools = requireTools('chromium');

/** Quiet, without a network, and as root. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Names that would be something else if a page took them for more than text. */
const HOSTILE = ['</script><img src=x onerror=alert(1)>', '"><b>bold', "it's & <i>", '\u2028line', '\xff\xfe'];

const base: TarEntry[] = [
  { name: 'etc/' },
  { name: 'etc/hostname', data: 'web-1\n' },
  { name: 'var/lib/large', data: new Uint8Array(3_000_000).fill(7) },
  { name: 'var/lib/gone', data: new Uint8Array(900_000).fill(8) },
  { name: 'var/lib/again', type: 'hardlink', linkName: 'var/lib/large' },
  ...HOSTILE.map((name, i) => ({ name: `hostile/${i}${name.replaceAll('/', '_')}`, data: 'x' })),
];
const app: TarEntry[] = [{ name: 'var/lib/.wh.gone' }, { name: 'srv/app', data: new Uint8Array(600_000).fill(9) }];

describe.skipIf(!hasTools)('the page of map --html', () => {
  const folder = sharedScratch();
  const at = (name: string): string => join(folder, name);
  let browser: Browser;

  beforeAll(async () => {
    if (!hasTools) return;
    writeFileSync(at('base.tar'), makeTar(base));
    writeFileSync(at('app.tar'), makeTar(app));
    output(['map', 'base.tar', 'app.tar', '--html', 'map.html'], { cwd: folder });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  });

  afterAll(async () => browser?.close());

  /** The page in a window, when it is drawn; anything it complains about or asks for fails the test. */
  async function open(name: string, viewport = { width: 1280, height: 800 }): Promise<Page> {
    const page = await browser.newPage({ viewport });
    const complaints: string[] = [];
    onTestFinished(async () => {
      await page.close();
      expect(complaints).toEqual([]);
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => request.url().startsWith('file:') || complaints.push(request.url()));
    await page.goto(`file://${at(name)}`);
    await page.waitForSelector('body[data-ready=true]', { timeout: 60_000 });
    return page;
  }

  const tip = (page: Page): Promise<string> => page.locator('.tip').innerText();
  const legendBytes = async (page: Page): Promise<number[]> =>
    page.locator('.legend tbody tr').evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('data-bytes'))));
  /** What the canvas shows, as text that is the same for the same picture. */
  const drawn = (page: Page): Promise<string> =>
    page.locator('canvas').evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());

  it('is the same for the same layers', () => {
    output(['map', 'base.tar', 'app.tar', '--html', 'again.html'], { cwd: folder });
    expect(readFileSync(at('again.html'))).toEqual(readFileSync(at('map.html')));
    expect(output(['map', 'base.tar', 'app.tar', '--html', '-'], { cwd: folder }).length).toBe(
      readFileSync(at('map.html')).length - 1,
    );
    expect(blockloom(['map', 'base.tar', 'app.tar', '--html', 'map.html'], { cwd: folder })).toMatchObject({
      status: 1,
    });
  });

  it('tells how much each layer and each use has', async () => {
    const page = await open('map.html');
    const { size } = JSON.parse(output(['measure', 'base.tar', 'app.tar', '--json'], { cwd: folder })) as {
      size: number;
    };
    const sum = (bytes: readonly number[]): number => bytes.reduce((a, b) => a + b, 0);
    expect(sum(await legendBytes(page))).toBe(size);
    const rows = await page.locator('.legend tbody tr').allInnerTexts();
    expect(rows.find((row) => row.includes('base.tar'))).toContain('2.9 MiB');
    expect(rows.find((row) => row.includes('app.tar'))).toContain('588 KiB');
    expect(rows.find((row) => row.includes('kept for what was removed'))).toContain('880 KiB');
    await page.getByRole('button', { name: 'Colour by uses' }).click();
    expect(sum(await legendBytes(page))).toBe(size);
    expect(await page.locator('.legend').innerText()).toContain('image record');
  });

  it('finds a path, goes there and says what it is', async () => {
    const page = await open('map.html');
    const before = await drawn(page);
    await page.getByRole('searchbox').fill('lib/large');
    await page.keyboard.press('Enter');
    expect(await tip(page)).toContain('/var/lib/large');
    expect(await tip(page)).toContain('2.9 MiB');
    expect(await drawn(page)).not.toBe(before);
  });

  it('says what is under the pointer, and under the cursor of the keyboard', async () => {
    const page = await open('map.html');
    await page.locator('canvas').hover({ position: { x: 2, y: 2 } });
    expect(await tip(page)).toContain('superblock');
    const box = await page.locator('canvas').boundingBox();
    const seen = new Set<string>();
    for (let y = 4; y < (box?.height ?? 0); y += 12) {
      await page.locator('canvas').hover({ position: { x: 40, y } });
      seen.add((await tip(page)).split('\n')[0] ?? '');
    }
    expect([...seen].join(' ')).toContain('/srv/app');
    await page.locator('canvas').focus();
    await page.keyboard.press('0');
    await page.keyboard.press('ArrowRight');
    expect(await tip(page)).toMatch(/block \d+, offset 0x/);
  });

  it('changes what it shows when it is zoomed, dragged or narrowed down', async () => {
    const page = await open('map.html', { width: 390, height: 844 });
    const pictures = new Set([await drawn(page)]);
    for (const key of ['+', '+', 'g', '-']) {
      await page.keyboard.press(key);
      pictures.add(await drawn(page));
    }
    await page.locator('.legend tbody button').first().click();
    pictures.add(await drawn(page));
    expect(pictures.size).toBeGreaterThanOrEqual(5);
  });

  it('takes hostile names for text', async () => {
    const page = await open('map.html');
    await page.getByRole('searchbox').fill('hostile/');
    const found = await page.locator('.found').innerText();
    expect(found).toContain('<_script><img src=x onerror=alert(1)>');
    expect(found).toContain('"><b>bold');
    expect(found).toContain('\\xff\\xfe');
    expect(await page.locator('.found img, .found b, .found i').count()).toBe(0);
  });

  it('is there for the file of an image, whoever made it', async () => {
    output(['build', 'base.tar', '-o', 'disk.img'], { cwd: folder });
    output(['map', 'disk.img', '--html', 'disk.html'], { cwd: folder });
    const page = await open('disk.html');
    expect(await page.locator('.legend').innerText()).toContain('files');
    writeFileSync(at('theirs.img'), '');
    run('truncate', ['-s', '16M', at('theirs.img')]);
    run('mke2fs', ['-q', '-F', '-t', 'ext4', at('theirs.img')]);
    output(['map', 'theirs.img', '--html', 'theirs.html'], { cwd: folder });
    const theirs = await open('theirs.html');
    expect(await theirs.locator('.legend').innerText()).toContain('journal');
  });

  it('marks what a comparison found', async () => {
    output(['build', 'base.tar', '-o', 'before.img'], { cwd: folder });
    const diff = blockloom(['diff', 'before.img', 'base.tar', '--layer', 'app.tar', '--html', 'diff.html'], {
      cwd: folder,
    });
    expect([diff.status, diff.stdout.split('\n')[0]]).toEqual([4, 'added    /srv']);
    const page = await open('diff.html');
    expect(await page.locator('.changes').innerText()).toContain('/var/lib/gone\nremoved');
    const marked = await drawn(page);
    await page.getByRole('button', { name: 'Show in colour what differs' }).click();
    expect(await drawn(page)).not.toBe(marked);
    await page.locator('.changes button', { hasText: '/srv/app' }).click();
    expect(await tip(page)).toContain('/srv/app');
    const onStdout = blockloom(['diff', 'before.img', 'before.img', '--html', '-'], { cwd: folder });
    expect([onStdout.status, onStdout.stdout.slice(0, 15)]).toEqual([0, '<!doctype html>']);
  });

  it('is there soon for many files', async () => {
    const files = Array.from({ length: 100_000 }, (_, i) => ({ name: `d${i % 300}/a-file-${i}`, data: 'x' }));
    writeFileSync(at('many.tar'), makeTar(files));
    output(['map', 'many.tar', '--html', 'many.html'], { cwd: folder });
    expect(readFileSync(at('many.html')).length).toBeLessThan(4_000_000);
    const page = await open('many.html');
    await page.getByRole('searchbox').fill('a-file-77777');
    await page.keyboard.press('Enter');
    expect(await tip(page)).toContain('/d77/a-file-77777');
  });
});
