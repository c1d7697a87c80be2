import { SubscriptionState, type Subscription } from '@postrider/contract/postrider/v1/subscription';
import { createMatchIndex, type MatchIndex } from '@postrider/core';
import type { ConfigView } from '@postrider/config-view';
import type { Logger } from '@postrider/runtime';

/** The match index of all active subscriptions, kept in step with the configuration. */
export interface SubscriptionIndex extends Disposable {
  readonly size: number;
  match: MatchIndex['match'];
}

/** Fills the index from the view's snapshot, then follows its changes. */
export function followSubscriptions(view: Pick<ConfigView, 'snapshot' | 'onChange'>, log: Logger): SubscriptionIndex {
  const index = createMatchIndex();
  const put = (subscription: Subscription): void => {
    if (subscription.state === SubscriptionState.PAUSED) return void index.remove(subscription.uid);
    const [, tenant = ''] = subscription.name.split('/');
    const { uid: subscriptionUid, endpointUid, eventTypes, filter } = subscription;
    try {
      index.add({ tenant, subscriptionUid, endpointUid, eventTypes, filter });
    } catch (error) {
      // Refused, never taken for "match all": this version cannot tell what the subscription means.
      log.error({ subscription: subscription.name, error }, 'a subscription matches nothing: it cannot be read');
    }
  };
  for (const subscription of view.snapshot().subscriptions()) put(subscription);
  const stop = view.onChange((changes) => {
    for (const change of changes) {
      if (change.kind !== 'subscription') continue;
      if (change.after === undefined) index.remove(change.id);
      else put(change.after);
    }
  });
  return {
    get size() {
      return index.size;
    },
    match: (tenant, type) => index.match(tenant, type),
    [Symbol.dispose]: stop,
  };
}
