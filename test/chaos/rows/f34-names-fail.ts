import { setTimeout as delay } from 'node:timers/promises';
import { nameServer, type NameServerAnswer } from '../../../packages/egress/testing/name-server.ts';
import type { ServiceProcess } from '../../support/service-process.ts';
import type { Row } from '../row.ts';

/** What name servers say to a question for an address of this type. */
type Says = (type: string) => NameServerAnswer | undefined | Promise<NameServerAnswer>;

const eachMs = 7_000;
const slowMs = 2_000;
const noticedMsMax = 10_000;
const loopback: NameServerAnswer = { records: [Buffer.from([127, 0, 0, 1])] };
const right = (type: string): NameServerAnswer => (type === 'A' ? loopback : {});
const silence: Says = () => undefined;
const servfail: Says = () => ({ code: 'servfail' });
const late: Says = (type) => delay(slowMs, right(type));

async function isReady({ healthUrl }: ServiceProcess): Promise<boolean> {
  return (await fetch(`${healthUrl}/readyz`)).ok;
}

export const namesFail: Row = {
  id: 'F34',
  title:
    'Name servers are silent, then answer SERVFAIL, then 2 s late, for 7 s each; a dispatcher is told to stop, and its heirs remember no name of its endpoints',
  recoveryMsMax: 5_000,
  noDuplicates: true,
  calmRatioMax: 1.2,
  async prepare(undo) {
    let says: Says = right;
    const names = undo.use(await nameServer((_, type) => says(type)));
    const env = { POSTRIDER_NAME_SERVERS: names.servers.join() };
    return {
      urls: ({ port }) => Promise.resolve((path) => `http://${path}.example.com:${port}/${path}`),
      envOf: (name) => (name.startsWith('dispatcher-') ? env : {}),
      async inject(scene) {
        const leaving = scene.dispatcher(1);
        const heirs = [scene.dispatcher(2), scene.dispatcher(3)];
        const left = scene.ownedBy(leaving);
        scene.broken(left);
        says = silence;
        const leftAt = await leaving.kill('SIGTERM');
        await scene.ownedByAll(heirs);
        for (const heir of heirs) await scene.promiseSaid(heir, /egress-names\.failing/, noticedMsMax);
        const red = await Promise.all(heirs.map(isReady));
        scene.promise('they are not ready meanwhile', !red.some(Boolean));
        await scene.pass(eachMs);
        says = servfail;
        await scene.pass(eachMs);
        const paths = scene.goodPaths(left);
        const sent = (await scene.receivedSince(leftAt)).filter(({ path }) => paths.has(path));
        scene.promise('nothing is sent where no name leads', sent.length === 0);
        says = late;
        await scene.pass(eachMs);
        says = right;
        await scene.recovered(scene.mended());
        const ready = async () => (await Promise.all(heirs.map(isReady))).every(Boolean);
        await scene.promiseSoon('and ready again', noticedMsMax, ready);
        leaving.restart();
        await scene.ownedByAll(scene.stack.dispatchers);
      },
    };
  },
};
