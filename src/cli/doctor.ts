import type { Command } from 'commander';
import { addNotes } from './command-notes.ts';
import { examine, type Finding } from './doctor-checks.ts';
import { ExitCode } from './failure.ts';
import { table } from './table.ts';

interface DoctorOptions {
  readonly json?: boolean;
  readonly cache?: string;
  readonly output: string;
}

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('say which tools and kernel features are here, what they enable, and how to get them')
    .option('--cache <dir>', 'the cache to look at; default: $XDG_CACHE_HOME/blockloom')
    .option('-o, --output <dir>', 'the folder that images would go to', '.')
    .option('--json', 'print the result as JSON')
    .action(async (options: DoctorOptions) => doctor(options));
  addNotes(command, {
    notes: [
      'Limited and missing take away what a row says, and no more. Nothing on the host is changed. The exit status is 1 when something is broken that blockloom cannot do without.',
    ],
    examples: [['blockloom doctor'], ['blockloom doctor --output /var/lib/images --json']],
  });
}

async function doctor({ cache, output, json }: DoctorOptions): Promise<void> {
  const findings = await examine({ cache, output });
  console.log(json === true ? JSON.stringify({ findings }) : toText(findings));
  if (findings.some(({ status }) => status === 'broken')) process.exitCode = ExitCode.failed;
}

function toText(findings: readonly Finding[]): string {
  const rows = findings.map(({ what, status, found, enables, remedy }) => [
    status,
    what,
    found,
    remedy === undefined ? enables : `${enables}; to have it: ${remedy}`,
  ]);
  return table(['status', 'what', 'found', 'enables'], rows);
}
