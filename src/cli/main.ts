#!/usr/bin/env node
import { outputFailure } from '../sinks/failure.ts';
import { divideWords } from './command-words.ts';
import { report, SignalError } from './failure.ts';
import { commandNamed, createProgram } from './program.ts';
import { statusOfRio } from './rio-status.ts';

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => controller.abort(new SignalError(signal)));
}
const command = commandNamed(process.argv[2]);
const program = await createProgram(controller.signal, command);
/** What was made for rio and Repeatr tells failures apart by their exit statuses. */
const statusOf = command === 'ware' || command === 'formula' ? statusOfRio : undefined;

/** What failed first decides the exit status; what fails because of it is not told. */
function fail(error: unknown): void {
  process.exitCode ??= report(error, program.opts<{ debug?: boolean }>().debug === true, statusOf);
}

process.stdout.on('error', (error) => {
  const failure = outputFailure('the output', error);
  controller.abort(failure);
  fail(failure);
});
try {
  await program.parseAsync(divideWords(process.argv).own);
} catch (error) {
  fail(error);
}
