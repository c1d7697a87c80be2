import { Secret } from '@postrider/contract/postrider/v1/secret_service';
import { PostriderError } from '@postrider/core';
import { currentEndpoint, putChanged } from '../endpoint-methods.ts';
import { sizeOf } from '../messages.ts';
import { endpointName, parseEndpointName, parseSecretName } from '../names.ts';
import { found } from '../reject.ts';
import { endOf, findSecret, shownSecret } from './secret-resource.ts';
import type {
  DeleteSecretRequest,
  GetSecretRequest,
  ListSecretsRequest,
  ListSecretsResponse,
} from '@postrider/contract/postrider/v1/secret_service';
import type { Method, ServiceContext } from '../call.ts';

export function getSecret({ view, clock }: ServiceContext): Method<GetSecretRequest, Secret> {
  return ({ name }) => {
    const { endpoint, secret } = findSecret(view.snapshot(), name);
    return shownSecret(endpoint, secret, clock.now());
  };
}

export function listSecrets({ view, paging, clock }: ServiceContext): Method<ListSecretsRequest, ListSecretsResponse> {
  return (request) => {
    const { parent } = request;
    parseEndpointName(parent, 'parent');
    const snapshot = view.snapshot();
    const { secrets } = found(snapshot.endpointByName(parent), parent);
    const byName = new Map(secrets.map((secret) => [`${parent}/secrets/${secret.id}`, secret]));
    const { items, nextPageToken } = paging.page(
      {
        ...{ method: 'ListSecrets', parent, snapshot },
        names: () => byName.keys(),
        resource: (name) => {
          const secret = byName.get(name);
          return secret === undefined ? undefined : shownSecret(parent, secret, clock.now());
        },
        bytes: (secret) => sizeOf(Secret, secret),
      },
      request,
    );
    return { secrets: [...items], nextPageToken };
  };
}

export function deleteSecret({ writer }: ServiceContext): Method<DeleteSecretRequest, Record<string, never>> {
  return ({ name }, caller) => {
    const endpoint = endpointName(parseSecretName(name, 'name'));
    return writer.change(caller.actor, (change) => {
      const { secret } = findSecret(change.snapshot, name);
      const current = currentEndpoint(change.snapshot, endpoint);
      // Whatever ends leaves behind one that does not: an endpoint is never without a secret.
      if (endOf(secret) === null) {
        const text = `${name} does not end, so its endpoint signs with it: rotate it, and it may be deleted then`;
        throw new PostriderError('failed_precondition', text);
      }
      const secrets = current.config.secrets.filter(({ id }) => id !== secret.id);
      putChanged(change, { ...current.config, secrets }, current.endpoint);
      return {};
    });
  };
}
