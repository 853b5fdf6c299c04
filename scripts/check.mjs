// `npm run check`: everything that must hold before a change is taken, from a fresh clone on. Needs Node and npm alone.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canInstallTools, installTools, missingTools } from './debian-tools.mjs';
import { dependenciesInstalled, installArguments, nodeTooOld, ROOT, run } from './dependencies.mjs';
import { installOtherNodes } from './other-nodes.mjs';

const RESULTS = 'build/test-results.json';

const steps = [
  { name: 'npm packages', step: npmPackages },
  { name: 'tools', step: tools },
  { name: 'other Nodes', step: otherNodes },
  { name: 'build', step: () => run('npm', ['run', '--silent', 'build']) },
  { name: 'types', step: () => run('tsc', ['--noEmit']) },
  { name: 'lint', step: () => run('npm', ['run', '--silent', 'lint']) },
  { name: 'tests', step: tests },
];

function npmPackages() {
  if (dependenciesInstalled()) return 0;
  const args = installArguments();
  console.log(`npm ${args.join(' ')}`);
  return run('npm', args);
}

function tools() {
  const missing = missingTools();
  if (missing.length > 0 && canInstallTools()) {
    console.log('installing with apt-get:');
    for (const { debian, why } of missing) console.log(`  ${debian} (${why})`);
    if (!installTools(missing)) console.log('apt-get could not install all of them');
  }
  const still = missingTools();
  for (const { command, debian, why } of still) {
    console.log(`no ${command} (Debian package ${debian}: ${why}); tests that need it will be skipped`);
  }
  if (still.length === 0 || process.env.CI !== 'true') return 0;
  console.error('CI=true: a missing tool is a failure');
  return 1;
}

function otherNodes() {
  installOtherNodes();
  return 0;
}

function tests() {
  rmSync(join(ROOT, RESULTS), { force: true });
  const reporters = ['default', 'json', './test/unfinished-reporter.ts'].map((name) => `--reporter=${name}`);
  return run('vitest', ['run', ...reporters, `--outputFile.json=${RESULTS}`]);
}

/** `N passed, N failed, N skipped`, from the results that vitest wrote, if it came so far; `code` is its exit code. */
function closingLine(code) {
  try {
    const results = JSON.parse(readFileSync(join(ROOT, RESULTS), 'utf8'));
    const skipped = results.numPendingTests + results.numTodoTests;
    // A file that cannot be loaded has no tests to count, but has failed all the same.
    const broken = results.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
    const failed = Math.max(results.numFailedTests + broken.length, code === 0 ? 0 : 1);
    return `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  } catch {
    return '0 passed, 1 failed';
  }
}

function main() {
  const problem = nodeTooOld();
  if (problem !== undefined) {
    console.error(problem);
    return 1;
  }
  const times = [];
  for (const { name, step } of steps) {
    console.log(`\n== ${name}`);
    const start = performance.now();
    const code = step();
    times.push(`${name} ${((performance.now() - start) / 1000).toFixed(1)} s`);
    if (code === 0) continue;
    console.error(`\n${name} failed with exit code ${code} (${times.join(', ')})`);
    if (step === tests) console.log(closingLine(code));
    return code;
  }
  console.log(`\nall steps passed: ${times.join(', ')}`);
  console.log(closingLine(0));
  return 0;
}

process.exitCode = main();
