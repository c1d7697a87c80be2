import type { Logger, Metrics } from '@postrider/runtime';
import type { JwtEvents } from './key-source.ts';

/** A part of the control plane's events. */
export function createJwtEvents(log: Logger, metrics: Metrics | undefined): JwtEvents {
  let state: 'unknown' | 'usable' | 'unusable' = 'unknown';
  metrics?.gauge('postrider_jwt_keys_unusable', 'Whether the keys of the issuer of JWTs cannot be read', () =>
    state === 'unknown' ? [] : [[{}, state === 'unusable' ? 1 : 0]],
  );
  return {
    jwtKeysChanged(count) {
      state = 'usable';
      log.info({ count }, 'jwt.keys: tokens are verified with these');
    },
    jwtKeysTrouble(problem) {
      state = problem === null ? 'usable' : 'unusable';
      if (problem === null) log.info({}, 'jwt.keys-usable');
      else log.error({ problem }, 'jwt.keys-unusable: the ones before them stay, for a day at most');
    },
  };
}
