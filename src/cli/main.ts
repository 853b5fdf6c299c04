#!/usr/bin/env node
import { report, SignalError } from './failure.ts';
import { createProgram } from './program.ts';

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => controller.abort(new SignalError(signal)));
}
process.stdout.on('error', (error) => {
  controller.abort(error);
});

const program = createProgram(controller.signal);
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program.opts<{ debug?: boolean }>().debug === true);
}
