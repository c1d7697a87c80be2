import type { DeliveryView } from '@postrider/core';

/** What a log line says of which delivery it tells. */
export function idsOf(delivery: DeliveryView): Record<string, unknown> {
  return {
    tenant: delivery.tenant,
    endpoint: delivery.endpointId,
    delivery: delivery.deliveryId,
    run: delivery.runId,
    webhook: delivery.webhookId,
  };
}
