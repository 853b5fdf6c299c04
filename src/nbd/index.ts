export type { Backend, Export, Extent, ZeroOptions } from './backend.ts';
export { bufferBackend } from './backends/buffer-backend.ts';
export { fileBackend } from './backends/file-backend.ts';
export { Counters, LATENCY_RANGES } from './counters.ts';
export { ConnectionFailure, type ConnectionFailureCode, NbdServerError, type NbdServerErrorCode } from './errors.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export {
  type ConnectionEvent,
  NbdServer,
  type NbdServerOptions,
  type SlowRequest,
  type TcpOptions,
} from './server.ts';
export { parsePskFile, type TlsOptions } from './tls.ts';
export { writeZeros } from './transmission/write-zeros.ts';
export { isLoopback, NBD_PORT } from './transport/tcp.ts';
export { type Address, nbdUri } from './uri.ts';
