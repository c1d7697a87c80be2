/** Sends one request to the origin that is given, by the door as it stands in a process of its own, and prints the status. */
import { openEgress, requestTo, sendOne } from './support.ts';

await using egress = openEgress();
const result = await sendOne(egress, requestTo(process.argv[2] ?? ''));
process.stdout.write(`${result.kind === 'response' ? result.status : result.code}\n`);
