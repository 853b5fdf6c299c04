// What `npm run demo` shows; a client of the built command line, so that every line can be repeated by hand.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { demoLayers, topLayer } from './demo-layers.mjs';
import { ENVIRONMENT, ROOT } from './dependencies.mjs';

const CLI = join(ROOT, 'dist/bundle/cli/main.js');
const LAYERS = ['base.tar', 'middle.tar', 'top.tar'];

const KIB = 1024;
const folder = mkdtempSync(join(tmpdir(), 'blockloom-demo-'));

function main() {
  const { base, middle, top } = demoLayers();
  const sizes = [base, middle, top].map((layer) => `${Math.round(layer.length / KIB)} KiB`).join(', ');
  title(`Three layers: base.tar, middle.tar, top.tar (${sizes})`);
  say('made by this program: files, links, and a whiteout that removes a file of a lower layer');
  writeFileSync(join(folder, 'base.tar'), base);
  writeFileSync(join(folder, 'middle.tar'), middle);
  writeFileSync(join(folder, 'top.tar'), top);

  title('What would be written, before anything is');
  show(['build', ...LAYERS, '-o', 'demo.img', '--dry-run']);

  title('An image');
  const digest = digestOf(show(['build', ...LAYERS, '-o', 'demo.img']));
  checkFilesystem();
  showDeterminism(digest);
  showLive(digest);
  showLocality();
  showMap();
  showVerification();
  keepImage();
}

function checkFilesystem() {
  const check = spawnSync('e2fsck', ['-fn', 'demo.img'], { cwd: folder, env: ENVIRONMENT, encoding: 'utf8' });
  if (check.error) return say('(e2fsck is not on this machine, so the filesystem was not checked)');
  if (check.status !== 0) fail(`e2fsck -fn found errors:\n${check.stderr}${check.stdout}`);
  command('e2fsck -fn demo.img');
  output(check.stdout.trim().split('\n').at(-1));
}

function showDeterminism(digest) {
  title('The same layers give the same bytes, whatever the host is set to');
  const environment = { TZ: 'Asia/Kolkata', LANG: 'tr_TR.UTF-8' };
  const again = digestOf(show(['build', ...LAYERS, '-o', 'again.img', '-j', '1'], environment));
  if (again !== digest) fail(`the second image is ${again}, the first ${digest}`);
  say('identical');
}

function showLive(digest) {
  title('The same image over NBD, made while it is read and never written');
  if (spawnSync('nbdcopy', ['--version'], { env: ENVIRONMENT }).error !== undefined) {
    return say('(nbdcopy, of the package libnbd-bin, is not on this machine, so nobody reads it here)');
  }
  command(`blockloom serve ${LAYERS.join(' ')} --run 'nbdcopy "$uri" - | sha256sum'`);
  const copied = blockloom(['serve', ...LAYERS, '--run', 'nbdcopy "$uri" - | sha256sum']);
  output(copied);
  if (digestOf(copied) !== digest) fail(`the live image is ${digestOf(copied)}, the written one ${digest}`);
  say('identical');
}

function showLocality() {
  title('A small change in a layer is a small change in the image');
  writeFileSync(join(folder, 'changed.tar'), topLayer('hello, world'));
  say('changed.tar is top.tar with another srv/app/main.js');
  show(['build', 'base.tar', 'middle.tar', 'changed.tar', '-o', 'changed.img']);
  const [before, after] = ['demo.img', 'changed.img'].map((name) => readFileSync(join(folder, name)));
  for (const size of [4 * KIB, 512 * KIB]) {
    const { differing, total } = countDiffering(before, after, size);
    say(`${differing} of ${total} pieces of ${size / KIB} KiB differ`);
  }
}

function showMap() {
  title('Every byte has an owner');
  const rows = blockloom(['map', ...LAYERS]).split('\n');
  command(`blockloom map ${LAYERS.join(' ')} | head -n 8`);
  output(rows.slice(0, 8).join('\n'));
}

function showVerification() {
  title('A changed byte is found, and named');
  copyFileSync(join(folder, 'demo.img'), join(folder, 'damaged.img'));
  const fd = openSync(join(folder, 'damaged.img'), 'r+');
  writeSync(fd, Buffer.from('X'), 0, 1, positionOf('console.log('));
  show(['verify', 'damaged.img', ...LAYERS], {}, 4);
}

function keepImage() {
  const kept = join(ROOT, 'build/demo/demo.img');
  mkdirSync(join(kept, '..'), { recursive: true });
  copyFileSync(join(folder, 'demo.img'), kept);
  const path = relative(process.cwd(), kept);
  title(`The image is kept as ${path}; try`);
  say(`debugfs -R 'ls -l /srv/app' ${path}`);
  say(`sudo mount -o ro,loop ${path} /mnt`);
  say('npx blockloom build --help');
  say('npx blockloom serve --help');
}

function positionOf(text) {
  return readFileSync(join(folder, 'demo.img')).indexOf(text);
}

function countDiffering(before, after, size) {
  const total = Math.ceil(Math.max(before.length, after.length) / size);
  let differing = 0;
  for (let i = 0; i < total; i++) {
    const [start, end] = [i * size, (i + 1) * size];
    if (!before.subarray(start, end).equals(after.subarray(start, end))) differing++;
  }
  return { differing, total };
}

/** Runs a command of blockloom, shows it with what it printed, and returns its results. */
function show(args, environment = {}, expectedStatus = 0) {
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value} `);
  command(`${settings.join('')}blockloom ${args.join(' ')}`);
  const text = blockloom(args, environment, expectedStatus);
  output(text);
  return text;
}

function blockloom(args, environment = {}, expectedStatus = 0) {
  const all = [CLI, ...args, '--cache', join(folder, 'cache'), '--progress', 'none'];
  const env = { ...ENVIRONMENT, ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: folder, env, encoding: 'utf8' });
  if (status !== expectedStatus) fail(`blockloom ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return `${stdout}${stderr}`.trimEnd();
}

/** The digest in a line like sha256sum's. */
function digestOf(line) {
  return line.split(' ')[0];
}

function title(text) {
  console.log(`\n${process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text}`);
}

function command(text) {
  console.log(`  $ ${text}`);
}

function output(text) {
  console.log(text.replace(/^/gm, '    '));
}

function say(text) {
  console.log(`  ${text}`);
}

function fail(reason) {
  throw new Error(reason);
}

try {
  main();
} catch (error) {
  console.error(`\nthe demo failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
