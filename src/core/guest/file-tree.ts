/** Files that are found by their paths, without a leading slash: an image's, or a host's. */
export interface FileTree {
  /** The names of a directory, in any order; undefined where there is none. */
  names(path: string): readonly string[] | undefined;
  /** The size of a file in bytes, symlinks followed; undefined for everything that is none. */
  size(path: string): number | undefined;
  /** All bytes of a file. Throws where there is none, and for one of more than `bytesMax` bytes. */
  read(path: string, bytesMax: number): Uint8Array;
}
