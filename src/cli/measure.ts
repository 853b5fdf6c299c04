import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { addImageOptions, described, type ImageArguments, addLayers, withImage } from './image-arguments.ts';
import { measure, measureRows, namedRows } from './measures.ts';

const NOTES: CommandNotes = {
  examples: [['blockloom measure base.tar app.tar.gz'], ['blockloom measure rootfs/ --json']],
};

export function addMeasure(program: Command, signal: AbortSignal): void {
  const command = program
    .command('measure')
    .description('print the size and the counts of the image, without building it');
  addNotes(addImageOptions(addLayers(command)), NOTES).action(async (references: string[], given: ImageArguments) => {
    const start = performance.now();
    const { layers, options } = await described(references, given);
    await withImage(layers, { ...options, planOnly: true }, signal, ({ print, ...opened }) => {
      const measures = measure(opened);
      const milliseconds = Math.round(performance.now() - start);
      const rows = [...measureRows(measures), ['planned in', `${milliseconds} ms`] as const];
      print(options.json === true ? JSON.stringify({ ...measures, milliseconds }) : namedRows(rows));
    });
  });
}
