export { ImageError, type ImageErrorCode, type ImageErrorContext } from './core/errors.ts';
export type { BlockDevice } from './core/ext4/reader/block-reader.ts';
export { Filesystem } from './core/ext4/reader/filesystem.ts';
export type { DataRun, ReadableFilesystem, ReadableInode } from './core/reading/filesystem.ts';
export { comparePaths, type ComparePathsOptions, type PathCounts } from './compare-images.ts';
export type { PathDifference } from './core/reading/compare-trees.ts';
export { filePieces } from './core/reading/contents.ts';
export type { Aspect } from './core/reading/differences.ts';
export { exportLayer } from './core/reading/export-layer.ts';
export { type ExportOptions, exportTar } from './core/reading/export-tar.ts';
export { type FilesystemFacts, filesystemFacts } from './core/reading/facts.ts';
export { findPath } from './core/reading/find.ts';
export { walk, type WalkedName } from './core/reading/walk.ts';
export type { Ext4Plan } from './core/ext4/layout.ts';
export { FatFilesystem } from './core/fat/reader/filesystem.ts';
export type { FatPlan } from './core/fat/layout.ts';
export type { RecordedOptions } from './core/ext4/recorded-options.ts';
export type { ImageRecord } from './core/ext4/record.ts';
export type { LayerIdentity } from './core/layer/identity.ts';
export {
  type AttachedImage,
  type AttachOptions,
  type AttachPlan,
  type PlannedDisk,
  planAttachment,
} from './core/launch/attach.ts';
export { type ImageCommands, scriptOf, type Step, stepsOf } from './core/launch/attach-script.ts';
export type { Bridge, FuseBridge, Served } from './core/launch/bridges.ts';
export type { Attachment, Disk, GuestDisk } from './core/launch/disk.ts';
export type { Launch, LaunchFile, LaunchOptions, LaunchStatus, RootPlace, Vmm } from './core/launch/launch.ts';
export { VMMS } from './core/launch/vmms.ts';
export { type RunningBridge, startBridge } from './bridge/bridge.ts';
export type { LockedBoot, LockedBootFile, LockedDisk, LockedPartition } from './core/lock/disk.ts';
export type { LockedEntry, LockedFile, LockedFiles } from './core/lock/files.ts';
export type { Lock } from './core/lock/lock.ts';
export type { LockedFilesystem, LockedOptions } from './core/lock/options.ts';
export type { LockedLayer, LockedReference } from './core/lock/reference.ts';
export type { Amount, OnProgress, Phase, Progress } from './core/progress.ts';
export type { FilesystemPlan, Location } from './core/plan/filesystem-plan.ts';
export { mapRows, type MapRow } from './core/plan/map.ts';
export type {
  Formula,
  FormulaAction,
  FormulaContext,
  FormulaInput,
  FormulaOutput,
  FormulaUserinfo,
} from './core/formula/formula.ts';
export { parseFormula } from './core/formula/parse-formula.ts';
export type { Plan } from './core/plan/plan.ts';
export {
  directVolume,
  type DirectVolume,
  type KataGuestImage,
  kataConfiguration,
  type PlacedFile,
} from './core/manifest/kata.ts';
export {
  decodeSolo5Manifest,
  encodeSolo5Manifest,
  type Solo5Device,
  type Solo5Manifest,
} from './core/manifest/solo5.ts';
export type { Solo5Notes } from './core/manifest/solo5-notes.ts';
export { type Filters, LOSSLESS, PACK_DEFAULTS } from './core/ware/filters.ts';
export type { Fileset } from './core/ware/read-fileset.ts';
export { formatWareId, parseWareId, type WareId } from './core/ware/ware-id.ts';
export { type Verity, type VerityParameters, verityParameters } from './core/verity/parameters.ts';
export type { Range } from './core/plan/ranges.ts';
export { type Image, PlannedImage } from './image/image.ts';
export type { FileDigests } from './image/file-trees.ts';
export { openImage, type OpenImageOptions, openLayeredImage, type OpenedImage } from './image/open-image.ts';
export type { BootOptions, DiskOptions, PartitionOptions } from './image/disk-options.ts';
export type { DiskPlan, PlacedPartition } from './core/disk/disk-plan.ts';
export type { ImageOptions } from './image/options.ts';
export { type Definition, readDefinition } from './definition/read-definition.ts';
export { type FoundFilesystem, openFilesystem, readDisk, type ReadDisk } from './image/open-filesystem.ts';
export { readImageRecord } from './image/read-record.ts';
export { lockImage, type LockedImage, openLockedImage, type OpenLockedOptions } from './image/locked-image.ts';
export { readUnikernel } from './read-unikernel.ts';
export { readLockFile, writeLockFile } from './lock-file.ts';
export { openMergedImage } from './merged-image.ts';
export { openWritable, type WritableOptions } from './open-writable.ts';
export { type BlockComparison, compareBlocks } from './sinks/compare-blocks.ts';
export { compareFile, type Comparison, type Difference } from './sinks/compare.ts';
export { type DigestAlgorithm, hashImage } from './sinks/digest.ts';
export { writeImage, type WriteImageOptions } from './sinks/file-sink.ts';
export type { WrittenImage } from './sinks/overwrite.ts';
export type { Reflink, Reuse } from './sinks/reflink.ts';
export { writePieces, type WrittenPieces } from './sinks/piece-sink.ts';
export type { PumpOptions } from './sinks/pump.ts';
export { streamImage } from './sinks/stream-sink.ts';
export { mapHtml } from './picture/map-html.ts';
export type { PictureComparison, Pictured, PictureOptions } from './picture/picture-data.ts';
export { imageBackend, type ImageServer, serveImage, type ServeImageOptions } from './serve-image.ts';
export { runImage, type RunImageOptions } from './run-image.ts';
export type { InlineEntry, InlineFiles } from './sources/inline/inline-files.ts';
export type { Layer } from './sources/layer.ts';
export type { LayerInput } from './sources/layer-input.ts';
export { openFormulaImage, openWorkspace } from './formula-workspace.ts';
export { packWare, type PackWareOptions } from './pack-ware.ts';
export { type FormulaGuest, formulaGuest } from './formula-guest.ts';
export type { FormulaJob, FormulaMachine, FormulaRun } from './formula-machine.ts';
export {
  runFormula,
  type RunFormulaOptions,
  type RunRecord,
  warpforgeRecord,
  type WarpforgeRecord,
} from './run-formula.ts';
export type { OpenFileset } from './sources/ware/fileset.ts';
export { openPacked, openWare } from './sources/ware/open-fileset.ts';
export { unpackFileset, type UnpackOptions } from './unpack-ware.ts';
