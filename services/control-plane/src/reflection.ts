import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { Server } from '@grpc/grpc-js';

/** Lets tools such as grpcurl ask what the API offers. It tells nothing but the contract, and needs no key. */
export function addReflection(server: Server, services: readonly string[]): void {
  const path = fileURLToPath(import.meta.resolve('@postrider/contract/descriptors.binpb'));
  const contract = loadFileDescriptorSetFromBuffer(readFileSync(path));
  new ReflectionService(contract, {
    services: [...services],
  }).addToServer(server);
}
