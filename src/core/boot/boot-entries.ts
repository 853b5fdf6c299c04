import { ImageError } from '../errors.ts';

/** A boot menu entry of type 1, in the keys of the specification; paths are absolute in the partition, with slashes. UAPI.1. */
export interface BootEntry {
  readonly title: string;
  readonly version?: string | undefined;
  readonly 'machine-id'?: string | undefined;
  readonly 'sort-key'?: string | undefined;
  readonly linux?: string | undefined;
  readonly efi?: string | undefined;
  readonly initrd?: readonly string[] | undefined;
  readonly options?: string | undefined;
  readonly architecture?: 'ia32' | 'x64' | 'arm' | 'aa64' | 'riscv64' | undefined;
}

/** What systemd-boot reads in loader/loader.conf. loader.conf(5) */
export interface LoaderConfiguration {
  /** The name of an entry's file, or a pattern. */
  readonly default?: string | undefined;
  /** In seconds. */
  readonly timeout?: number | undefined;
  readonly 'console-mode'?: string | undefined;
  readonly editor?: boolean | undefined;
}

const ENTRY_KEYS = [
  'title',
  'version',
  'machine-id',
  'sort-key',
  'linux',
  'efi',
  'initrd',
  'options',
  'architecture',
] as const satisfies readonly (keyof BootEntry)[];
const LOADER_KEYS = [
  'default',
  'timeout',
  'console-mode',
  'editor',
] as const satisfies readonly (keyof LoaderConfiguration)[];

/** The text of loader/entries/*.conf. Throws `boot-invalid` for an entry that boots nothing, or what a line cannot hold. */
export function bootEntryText(entry: BootEntry): string {
  if ((entry.linux === undefined) === (entry.efi === undefined)) {
    throw new ImageError('boot-invalid', `the boot entry ${JSON.stringify(entry.title)}: linux or efi, one of them`);
  }
  return ENTRY_KEYS.flatMap((key) => {
    const value = entry[key];
    if (value === undefined) return [];
    return typeof value === 'string' ? [line(key, value)] : value.map((each) => line(key, each));
  }).join('');
}

/** The text of loader/loader.conf. Throws `boot-invalid`. */
export function loaderConfigurationText(configuration: LoaderConfiguration): string {
  return LOADER_KEYS.flatMap((key) => {
    const value = configuration[key];
    if (value === undefined) return [];
    return [line(key, typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value))];
  }).join('');
}

/** The name of an entry's file. Throws `boot-invalid` for what the specification does not allow in one. */
export function bootEntryFileName(name: string): string {
  if (/^[\w.+~-]{1,250}$/.test(name)) return `${name}.conf`;
  throw new ImageError('boot-invalid', `the boot entry name ${JSON.stringify(name)}: letters, digits and + - _ . ~`);
}

function line(key: string, value: string): string {
  if (value === '' || /[\p{Cc}]/u.test(value) || value.trim() !== value) {
    throw new ImageError('boot-invalid', `${key} ${JSON.stringify(value)}: one line of text`);
  }
  return `${key} ${value}\n`;
}
