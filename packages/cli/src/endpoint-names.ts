import { CliError } from './cli-error.ts';
import { shortName, tenantName } from './names.ts';
import { allPages } from './paging.ts';
import type { Session } from './session.ts';

/** So many endpoints are asked for at most; the others are shown by their uids. */
const ASKED_MAX = 100;

/**
 * `tenant/endpoint` of endpoints that records name by their uids. Those that are deleted are absent; so are all where the
 * control plane cannot be asked: what Kafka holds is shown all the same.
 */
export async function endpointNames(
  session: Session,
  endpoints: readonly { readonly tenant: string; readonly uid: string }[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const asked = [...new Map(endpoints.map((one) => [one.uid, one])).values()].slice(0, ASKED_MAX);
  if (asked.length === 0) return names;
  try {
    await session.withRpc(({ call, endpoints: service }) =>
      Promise.all(
        asked.map(async ({ tenant, uid }) => {
          const wanted = { parent: tenantName(tenant), filter: `uid = "${uid}"`, orderBy: '', pageSize: 500 };
          const found = await allPages(async (pageToken) => {
            const page = await call(service, service.listEndpoints, { ...wanted, pageToken });
            return { entries: page.endpoints, nextPageToken: page.nextPageToken };
          });
          for (const { name } of found) names.set(uid, shortName(name));
        }),
      ),
    );
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
  }
  return names;
}
