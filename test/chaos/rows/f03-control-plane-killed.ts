import { waitFor } from '../../support/wait-for.ts';
import type { Row } from '../row.ts';
import type { Scene } from '../scene.ts';

const awayMs = 60_000;
const answersWithinMs = 5_000;
const patienceMs = 30_000;
/** Whose latency a control plane concerns: nobody's. */
const nobody: ReadonlySet<number> = new Set();

/** Whether it takes a change. */
async function takesChanges({ stack: { rpc } }: Scene): Promise<boolean> {
  const request = { tenantId: 'after-the-kill', tenant: undefined, requestId: 'after-the-kill' };
  return rpc.call(rpc.tenants, rpc.tenants.createTenant, request).then(
    () => true,
    () => false,
  );
}

export const controlPlaneKilled: Row = {
  id: 'F3',
  title: `The only control plane is killed (SIGKILL), is away for ${awayMs / 1_000} s, and is started again`,
  recoveryMsMax: 5_000,
  noDuplicates: true,
  calmRatioMax: 1.05,
  async inject(scene) {
    const { controlPlane } = scene.stack;
    const from = scene.broken(nobody);
    await controlPlane.kill('SIGKILL');
    await scene.recovered(from);
    await scene.pass(Math.max(0, from + awayMs - Date.now()));
    scene.promise('meanwhile nothing can be changed', !(await takesChanges(scene)));
    scene.mended();
    const restarted = Date.now();
    controlPlane.restart();
    const isTaken = await waitFor(() => takesChanges(scene), { what: 'a change', timeoutMs: patienceMs }).catch(
      () => false,
    );
    const tookMs = Date.now() - restarted;
    const text = `it takes changes within ${answersWithinMs / 1_000} s of its start (${(tookMs / 1_000).toFixed(1)} s)`;
    scene.promise(text, isTaken && tookMs <= answersWithinMs);
    scene.promise('no partition changed its owner', scene.watch.interruptions.length === 0);
  },
};
