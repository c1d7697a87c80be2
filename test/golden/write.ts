/**
 * Adds the golden records that are missing: for every message that stands on a topic, and every arm of its oneof, one
 * record in which every field is set. Nothing that is there is ever changed: a field that was added since gets a further
 * record, and the older ones stay as witnesses of what older versions wrote.
 *
 *   node test/golden/write.ts
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { fill } from './fill.ts';
import { uncovered } from './golden-files.ts';
import { plain } from './plain.ts';
import { codecOf, loadRegistry, recordMessages, variantName, variantsOf } from './registry.ts';

const registry = loadRegistry();
for (const message of recordMessages(registry).values()) {
  for (const variant of variantsOf(message)) {
    if (uncovered(variant).length === 0) continue;
    const name = variantName(variant);
    const number = 1 + readdirSync(import.meta.dirname).filter((file) => isRecordOf(file, name)).length;
    const bytes = toBinary(message, fill(variant));
    const path = join(import.meta.dirname, `${name}.${number}`);
    writeFileSync(`${path}.binpb`, bytes);
    writeFileSync(`${path}.json`, `${JSON.stringify(plain(codecOf(message).decode(bytes)), null, 2)}\n`);
    process.stdout.write(`${name}.${number}\n`);
  }
}

function isRecordOf(file: string, name: string): boolean {
  return file.startsWith(`${name}.`) && /^\d+\.binpb$/.test(file.slice(name.length + 1));
}
