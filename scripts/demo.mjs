// `npm run demo`: from a fresh clone to an image in one command. Installs and builds what is missing, then shows.
import { dependenciesInstalled, installArguments, nodeTooOld, run, runQuietly } from './dependencies.mjs';

function main() {
  const problem = nodeTooOld();
  if (problem !== undefined) {
    console.error(problem);
    return 1;
  }
  if (!dependenciesInstalled()) {
    const args = installArguments();
    console.log(`installing the npm packages (npm ${args.join(' ')})`);
    const code = runQuietly('npm', args);
    if (code !== 0) return code;
  }
  console.log('building (npm run build)');
  return runQuietly('npm', ['run', '--silent', 'build']) || run(process.execPath, ['scripts/demo-show.mjs']);
}

process.exitCode = main();
