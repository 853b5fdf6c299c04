import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runQuietly } from './dependencies.mjs';

/** The other major versions of Node that an image must come out of unchanged. */
const MAJORS = [22, 24];

/** Where the binary of another Node is kept, whether it is there or not. */
function nodeBinary(major) {
  return join(folderOf(major), 'node_modules', `node-linux-${process.arch}`, 'bin/node');
}

/**
 * Fetches Node 22 and 24 from the npm registry into node_modules/.cache/node-MAJOR, for the test that builds an image
 * with each. Without them that test is skipped.
 */
export function installOtherNodes() {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    console.log(
      `no Node binaries for ${process.platform}-${process.arch}: the test with several Nodes will be skipped`,
    );
    return;
  }
  for (const major of MAJORS.filter((wanted) => !existsSync(nodeBinary(wanted)))) {
    const name = `node-linux-${process.arch}@${major}`;
    console.log(`fetching ${name} from the npm registry into node_modules/.cache/node-${major}`);
    mkdirSync(folderOf(major), { recursive: true });
    const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
    if (runQuietly('npm', ['install', ...options, '--prefix', folderOf(major), name]) !== 0) {
      console.log(`${name} is not available: its part of the test with several Nodes will be skipped`);
    }
  }
}

function folderOf(major) {
  return join(ROOT, 'node_modules/.cache', `node-${major}`);
}
