/** The stand-in of AWS KMS as a process: `node kms-process.ts <port> <key as hexadecimal digits>`. */
import { kmsStandIn } from '../../packages/runtime/testing/kms-stand-in.ts';

const [port, key] = process.argv.slice(2);
await kmsStandIn({ port: Number(port), key: Buffer.from(key ?? '', 'hex') });
