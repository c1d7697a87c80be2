import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { methodRules } from '../src/postrider/v1/methods.ts';
import { referencePages } from './pages.ts';

const root = resolve(import.meta.dirname, '../../..');
const paths = ['--path', 'proto/postrider', '--as-file-descriptor-set', '-o', '-'];
const described = execFileSync(join(root, 'node_modules/.bin/buf'), ['build', ...paths], {
  cwd: root,
  maxBuffer: 64 * 1024 * 1024,
});
const pages = referencePages(described);
const all = [...pages.values()].join('\n');

test('every method that callers reach has a section that says who may call it; what processes ask each other has none', () => {
  for (const [name, { internal, roles, anyone }] of Object.entries(methodRules)) {
    const [, section = ''] = new RegExp(`^## ${name}$(.*?)(?=^## |(?![^]))`, 'ms').exec(all) ?? [];
    assert.equal(section !== '', !internal, name);
    const who = anyone ? 'anyone, without credentials' : `${roles.join(', ')};`;
    if (!internal) assert.ok(section.includes(`May be called by: ${who}`), name);
  }
});

test('by role, the first page names every method that a role may call', () => {
  const [, table = ''] = /^## By role$(.*?)(?=^## |(?![^]))/ms.exec(pages.get('README.md') ?? '') ?? [];
  for (const role of ['operator', 'tenant-admin', 'tenant-viewer', 'publisher', 'secret-reader']) {
    const [row = ''] = new RegExp(`^\\| \`${role}\` .*$`, 'm').exec(table) ?? [];
    const told = [...row.matchAll(/\[([A-Za-z]+)\]/g)].map(([, name = '']) => name).toSorted();
    const may = Object.entries(methodRules).filter(([, { roles }]) => (roles as readonly string[]).includes(role));
    assert.deepEqual(told, may.map(([name]) => name).toSorted(), role);
  }
});

test('a field stands with its bounds, and with what may be done with it', () => {
  const endpoint = pages.get('endpoint-service.md') ?? '';
  assert.match(endpoint, /\| `url` \| string \| \*required\*\. Where requests go: .* 2,048 bytes .*\|/);
  assert.match(endpoint, /\| `state` \| \[EndpointState\]\(#endpointstate\) \| \*output only\*\./);
  assert.match(endpoint, /\| `basic` \| \[BasicAuth\]\(#basicauth\) \| \*one of `method`\*\./);
  assert.match(endpoint, /\| `labels` \| map of string to string \|/);
  assert.match(endpoint, /Resource name: `tenants\/\{tenant\}\/endpoints\/\{endpoint\}`\./);
});

test('every link leads to a heading that is there', () => {
  for (const [page, text] of pages) {
    for (const [, file = '', anchor = ''] of text.matchAll(/\]\(([a-z-]+\.md)?#([a-z]+)\)/g)) {
      const target = pages.get(file === '' ? page : file) ?? '';
      assert.match(target, new RegExp(`^##+ ${anchor}$`, 'im'), `${page} → ${file}#${anchor}`);
    }
  }
});

test('a declaration without a docstring stops the generator, and is named', () => {
  const set = fromBinary(FileDescriptorSetSchema, described);
  const tenant = set.file.find(({ name }) => name === 'postrider/v1/tenant.proto');
  const comment = tenant?.sourceCodeInfo?.location.find(({ leadingComments }) =>
    leadingComments.includes('for people'),
  );
  assert.ok(comment !== undefined);
  comment.leadingComments = '';
  const bytes = toBinary(FileDescriptorSetSchema, set);
  assert.throws(() => referencePages(bytes), /field postrider\.v1\.Tenant\.display_name has no docstring/);
});
