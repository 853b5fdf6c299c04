import { arch } from 'node:os';
import { ImageError } from '../../core/errors.ts';
import { parsePlatform, type Platform, platformRank, platformText } from '../../core/oci/platform.ts';

/** Which platform an image is wanted for. */
export interface PlatformRequest {
  readonly platform: Platform;
  /** Whether somebody asked for it; else it is the host's. */
  readonly isGiven: boolean;
  readonly onWarning: (message: string) => void;
}

/** Node.js' names for architectures where OCI has others. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** The platform that is asked for, else linux on the host's architecture. Throws `option-invalid`. */
export function requestPlatform(
  platform: string | undefined,
  onWarning: (message: string) => void = () => undefined,
): PlatformRequest {
  if (platform !== undefined) return { platform: parsePlatform(platform), isGiven: true, onWarning };
  const host = arch();
  return { platform: parsePlatform(`linux/${ARCHITECTURES[host] ?? host}`), isGiven: false, onWarning };
}

/** A single image is there for one platform: taken with a warning by who asked for none, refused to who asked for another. */
export function checkPlatform(found: Platform, { platform, isGiven, onWarning }: PlatformRequest): void {
  if (found.os === '' || found.architecture === '' || platformRank(found, platform) > 0) return;
  const what = `the image is for ${platformText(found)}, not for ${platformText(platform)}`;
  if (isGiven) throw new ImageError('layer-not-found', what);
  onWarning(what);
}
