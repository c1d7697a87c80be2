import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network namespace with an address that swallows whatever is sent to it: no answer, no refusal. */
export interface IsolatedNetwork extends AsyncDisposable {
  /** For `ip netns exec`. */
  readonly name: string;
  readonly silentAddress: string;
}

/**
 * Makes one, gone at the end of the scope; null where this process may not.
 * Frames to the silent address bear a hardware address that nobody has, so they end on the wire.
 */
export async function isolatedNetwork(): Promise<IsolatedNetwork | null> {
  const name = `postrider-${randomBytes(4).toString('hex')}`;
  const silentAddress = '10.99.0.2';
  try {
    await run('ip', ['netns', 'add', name]);
  } catch {
    return null;
  }
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => void (await run('ip', ['netns', 'delete', name])));
  for (const line of [
    'link set lo up',
    'link add near type veth peer name far',
    'link set near up',
    'link set far up',
    'address add 10.99.0.1/24 dev near',
    `neighbour add ${silentAddress} lladdr 02:00:00:00:00:63 dev near nud permanent`,
  ])
    await run('ip', ['-n', name, ...line.split(' ')]);
  const owned = undo.move();
  return { name, silentAddress, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
