export { ImageError, type ImageErrorCode, type ImageErrorContext } from './core/errors.ts';
export type { Ext4Plan, Location } from './core/ext4/layout.ts';
export { mapRows, type MapRow } from './core/plan/map.ts';
export type { Plan } from './core/plan/plan.ts';
export type { Range } from './core/plan/ranges.ts';
export { type Image, PlannedImage } from './image/image.ts';
export { openImage, type OpenImageOptions, openLayeredImage, type OpenedImage } from './image/open-image.ts';
export type { ImageOptions } from './image/options.ts';
export { compareFile, type Comparison, type Difference } from './sinks/compare.ts';
export { type DigestAlgorithm, hashImage } from './sinks/digest.ts';
export { writeImage, type WriteImageOptions } from './sinks/file-sink.ts';
export type { PumpOptions } from './sinks/pump.ts';
export { streamImage } from './sinks/stream-sink.ts';
export {
  type ImageServer,
  serveImage,
  serveImageActivated,
  serveImageOnStdio,
  type ServeImageOptions,
} from './serve-image.ts';
export type { Layer } from './sources/layer.ts';
