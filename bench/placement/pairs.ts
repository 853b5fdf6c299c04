import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, downloadPackages, releaseOfApt, tarOf, untar } from '../../test/helpers/debian.ts';
import { type Size, usrInput, workFolder } from '../input.ts';
import { run } from '../run.ts';
import { change, fileOfSize, filesOf, grow, makeApplication, makePackage, put, upgradePackage } from './trees.ts';

/** Two images that have much in common, as their layers, bottom first. */
export interface Pair {
  readonly name: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const PACKAGES = ['python3.11-minimal', 'libpython3.11-minimal', 'libpython3.11-stdlib', 'perl-modules-5.36'];

/** Makes all layers: on a Debian system with packages of it, or of what is made here and some of this machine's own /usr. */
export async function makePairs(size: Size): Promise<readonly Pair[]> {
  const folder = join(workFolder(), `placement-${size}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const base = size === 'ci' ? (await usrInput('ci')).tar : bootstrap(releaseOfApt(), folder);
  const middle = new Layer(folder, 'package', (tree) => (size === 'ci' ? makePackage(tree) : installPackages(tree)));
  const top = new Layer(folder, 'application', (tree) => makeApplication(tree, 'application'));
  const other = new Layer(folder, 'other', (tree) => makeApplication(tree, 'other'));
  const withTop = (name: string, edit: (tree: string) => void): Pair => ({
    name,
    before: [base, middle.tar, top.tar],
    after: [base, middle.tar, top.edited(name, edit)],
  });
  return [
    withTop('a file of the top layer changed', (tree) => change(fileOfSize(tree, 30_000))),
    withTop('a file of the top layer grown by 20 %', (tree) => grow(fileOfSize(tree, 30_000), 6_000)),
    withTop('a file added to the top layer', (tree) =>
      put(join(tree, 'srv/application/part-7/new'), Buffer.alloc(9_000, 'new ')),
    ),
    withTop('a file deleted from the top layer', (tree) => rmSync(fileOfSize(tree, 30_000))),
    {
      name: 'a file of the base replaced by the top layer',
      before: [base, middle.tar, top.tar],
      after: [
        base,
        middle.tar,
        top.edited('replacing', (tree) => put(join(tree, 'usr/lib/os-release'), Buffer.alloc(300, 'NAME=new\n'))),
      ],
    },
    {
      name: 'the package in the middle upgraded',
      before: [base, middle.tar, top.tar],
      after: [base, middle.edited('upgraded', upgradePackage), top.tar],
    },
    {
      name: 'a base rebuilt: one of its files grown',
      before: [base, middle.tar, top.tar],
      after: [grownBase(folder, base), middle.tar, top.tar],
    },
    { name: 'two applications on one base', before: [base, middle.tar, top.tar], after: [base, other.tar] },
  ];
}

/** A layer's tree, its tar, and tars of what becomes of it. */
class Layer {
  readonly tar: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #tree: string;

  constructor(folder: string, name: string, make: (tree: string) => void) {
    this.#folder = folder;
    this.#name = name;
    this.#tree = join(folder, name);
    make(this.#tree);
    this.tar = pack(this.#tree, join(folder, `${name}.tar`));
  }

  edited(how: string, edit: (tree: string) => void): string {
    const tree = join(this.#folder, 'edited');
    cpSync(this.#tree, tree, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    edit(tree);
    const tar = pack(tree, join(this.#folder, `${this.#name}, ${how.replaceAll(/[^a-z]+/g, '-')}.tar`));
    rmSync(tree, { recursive: true });
    return tar;
  }
}

/** Directories have no time of their own, which each edit would change. */
function pack(tree: string, tar: string): string {
  run(tree, ['find', tree, '-type', 'd', '-exec', 'touch', '-d', '@1700000000', '{}', '+']);
  tarOf(tree, ['.'], tar);
  return tar;
}

function installPackages(tree: string): void {
  const downloads = `${tree}.debs`;
  mkdirSync(downloads);
  for (const file of downloadPackages(PACKAGES, releaseOfApt(), downloads))
    run(downloads, ['dpkg-deb', '-x', file, tree]);
  rmSync(downloads, { recursive: true });
}

/** The base with libc, or else the smallest file of half a megabyte, longer by 40 KiB. */
function grownBase(folder: string, base: string): string {
  const tree = join(folder, 'base');
  mkdirSync(tree);
  untar(base, tree);
  const libraries = filesOf(tree).filter((path) => path.endsWith('libc.so.6'));
  const grown = libraries[0] ?? fileOfSize(tree, 500_000);
  grow(grown, 40 * 1024);
  const tar = join(folder, 'base-grown.tar');
  tarOf(tree, ['.'], tar);
  rmSync(tree, { recursive: true });
  return tar;
}
