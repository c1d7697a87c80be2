import { SecretServiceService } from '@postrider/contract/postrider/v1/secret_service';
import { listKeyEncryptionKeys } from './key-methods.ts';
import { revealSecret } from './reveal-secret.ts';
import { rotateSecret } from './rotate-secret.ts';
import { deleteSecret, getSecret, listSecrets } from './secret-methods.ts';
import type { SecretServiceServer } from '@postrider/contract/postrider/v1/secret_service';
import type { Server } from '@grpc/grpc-js';
import type { createHandler } from '../handler.ts';

/** Serves what requests are signed with, and what that is sealed with. */
export function addSecrets(server: Server, handle: ReturnType<typeof createHandler>): void {
  const secretService: SecretServiceServer = {
    getSecret: handle('GetSecret', getSecret),
    listSecrets: handle('ListSecrets', listSecrets),
    rotateSecret: handle('RotateSecret', rotateSecret),
    deleteSecret: handle('DeleteSecret', deleteSecret),
    revealSecret: handle('RevealSecret', revealSecret),
    listKeyEncryptionKeys: handle('ListKeyEncryptionKeys', listKeyEncryptionKeys),
  };
  server.addService(SecretServiceService, secretService);
}
