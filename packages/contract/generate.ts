/**
 * Writes the TypeScript of the contract, its descriptor set and the reference of the API from `proto/`. Nothing of these is
 * written by hand; `npm run check` compares what is checked in with what this writes.
 *
 *   node packages/contract/generate.ts [output folder]     default: packages/contract, and docs/api/reference
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { referencePages } from './reference/pages.ts';
import { writeAuditedFields } from './write-audited-fields.ts';
import { writeMethods } from './write-methods.ts';
import { writeShapes } from './write-shapes.ts';

const root = resolve(import.meta.dirname, '../..');
const output = resolve(process.argv[2] ?? import.meta.dirname);
const reference = process.argv[2] === undefined ? join(root, 'docs/api/reference') : join(output, 'reference');
const googleProtos = 'node_modules/google-proto-files/google/rpc';
const inputs = ['proto/postrider', `${googleProtos}/error_details.proto`, `${googleProtos}/status.proto`];
const paths = inputs.flatMap((path) => ['--path', path]);
const buf = (...args: string[]) =>
  execFileSync(join(root, 'node_modules/.bin/buf'), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

mkdirSync(output, { recursive: true });
rmSync(join(output, 'src'), { recursive: true, force: true });
const template = readFileSync(join(root, 'buf.gen.yaml'), 'utf8').replace('packages/contract/src', join(output, 'src'));
const templateFile = join(output, 'buf.gen.tmp.yaml');
writeFileSync(templateFile, template);
buf('generate', '--template', templateFile, ...paths);
rmSync(templateFile);
// Annotations steer tools, not our code: nothing imports what ts-proto makes of them.
rmSync(join(output, 'src/google/api'), { recursive: true, force: true });
rmSync(join(output, 'src/google/protobuf/descriptor.ts'), { force: true });
buf('build', ...paths, '--as-file-descriptor-set', '--exclude-source-info', '-o', join(output, 'descriptors.binpb'));
const descriptors = readFileSync(join(output, 'descriptors.binpb'));
writeFileSync(join(output, 'src/postrider/v1/methods.ts'), writeMethods(descriptors));
writeFileSync(join(output, 'src/postrider/v1/audited-fields.ts'), writeAuditedFields(descriptors));
writeFileSync(join(output, 'src/postrider/v1/request-shapes.ts'), writeShapes(descriptors));

const described = join(output, 'described.tmp.binpb');
buf('build', ...paths, '--as-file-descriptor-set', '-o', described);
const pages = referencePages(readFileSync(described));
rmSync(described);
rmSync(reference, { recursive: true, force: true });
mkdirSync(reference, { recursive: true });
for (const [name, text] of pages) writeFileSync(join(reference, name), text);
