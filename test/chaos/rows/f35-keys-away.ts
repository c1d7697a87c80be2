import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaneGate } from '@postrider/contract/postrider/v1/delivery_service';
import { startKms } from '../../support/kms.ts';
import type { ServiceProcess } from '../../support/service-process.ts';
import { tempDir } from '../../support/resources.ts';
import { waitFor } from '../../support/wait-for.ts';
import { inviteGuest } from '../guest.ts';
import type { Row } from '../row.ts';
import type { Scene } from '../scene.ts';

const eventCount = 50;
const backWithinMs = 5_000;
const saidWithinMs = 10_000;
const awayMs = 20_000;

/** Whether what waits for the endpoint is told to have no way out. */
async function isWayShut({ stack: { rpc } }: Scene, name: string): Promise<boolean> {
  const { lane } = await rpc.call(rpc.deliveries, rpc.deliveries.getEndpointBacklog, { name });
  return lane?.gate === LaneGate.WAY_OUT;
}

/** Whether a tenant, which needs a key of its own, can be made. */
async function takesTenants({ stack: { rpc } }: Scene): Promise<boolean> {
  const request = { tenantId: 'while-keys-are-away', tenant: undefined, requestId: '' };
  return rpc.call(rpc.tenants, rpc.tenants.createTenant, request).then(
    () => true,
    () => false,
  );
}

export const keysAway: Row = {
  id: 'F35',
  title: `The key management service is gone for ${awayMs / 1_000} s while events come for a tenant whose key nobody has opened yet; a dispatcher stops meanwhile and starts with the wrong key-encryption key`,
  recoveryMsMax: 2_000,
  noDuplicates: true,
  calmRatioMax: 1.2,
  async prepare(undo) {
    const kms = undo.use(await startKms());
    const kekFile = join(undo.use(await tempDir()).path, 'kek');
    writeFileSync(kekFile, kms.kek);
    return {
      kekFile,
      envOf: (name) => (name.startsWith('router-') ? {} : kms.env),
      async inject(scene) {
        const guest = await inviteGuest(scene, 'chaos-guest', [{ path: 'unopened', endpoint: {} }]);
        const arrived = await guest.delivered();
        const leaving = scene.dispatcher(1);
        // Keys that are known concern nobody; that a dispatcher stops concerns those whom it served.
        const from = scene.broken(scene.ownedBy(leaving));
        await kms.kill();
        await guest.publish(eventCount);
        await scene.recovered(from);
        const name = `tenants/${guest.tenant}/endpoints/unopened`;
        const isShut = () => isWayShut(scene, name);
        await scene.promiseSoon('what cannot be signed is told to wait for a way out', saidWithinMs, isShut);
        const spoke = () => scene.stack.dispatchers.some((one) => scene.said(one, /key\.unavailable/));
        await scene.promiseSoon('a dispatcher says “key.unavailable”', saidWithinMs, spoke);
        scene.promise('no tenant is made without a key', !(await takesTenants(scene)));
        await wrongKey(scene, leaving, kekFile);
        await scene.pass(Math.max(0, from + awayMs - Date.now()));
        scene.promise('nothing of it was sent, signed or not', (await guest.delivered()) === arrived);
        await kms.restart();
        scene.mended();
        const isSent = async () => (await guest.delivered()) === eventCount;
        await scene.promiseSoon(`all of it is sent within ${backWithinMs / 1_000} s`, backWithinMs, isSent);
        writeFileSync(kekFile, kms.kek);
        leaving.restart();
        await scene.ownedByAll(scene.stack.dispatchers);
      },
    };
  },
};

/** A dispatcher is stopped, and starts with a key under which nothing is sealed. */
async function wrongKey(scene: Scene, leaving: ServiceProcess, kekFile: string): Promise<void> {
  await leaving.kill('SIGTERM');
  writeFileSync(kekFile, randomBytes(32).toString('hex'));
  leaving.restart();
  await waitFor(() => !leaving.running, { what: 'it to refuse to start', timeoutMs: 30_000 }).catch(() => null);
  scene.promise('with the wrong key it does not start', !leaving.running);
  scene.promise(
    'and says which key it lacks',
    scene.said(leaving, /lacks keys that are in use: kek_\w+ \(\d+ tenants\)/),
  );
  await scene.ownedByAll([scene.dispatcher(2), scene.dispatcher(3)]);
}
