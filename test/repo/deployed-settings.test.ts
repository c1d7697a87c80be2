import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingProblems, settingsOfCompose, settingsOfManifests } from './deployed-settings.ts';
import { repoRoot } from './repo-files.ts';

test('what the compose file sets is what the services read', async () => {
  const deployed = settingsOfCompose(readFileSync(join(repoRoot, 'deploy/compose.yaml'), 'utf8'));
  assert.deepEqual(deployed.map(({ service }) => service).toSorted(), ['control-plane', 'dispatcher', 'router']);
  assert.deepEqual(await settingProblems(repoRoot, deployed), []);
});

test('a compose service has its own settings and the shared ones, with stand-ins for what is given from outside', () => {
  const text = [
    'x-environment: &environment',
    '  POSTRIDER_A: one',
    '',
    'services:',
    '  router:',
    '    environment:',
    '      <<: *environment',
    "      POSTRIDER_B: '2'",
    '      POSTRIDER_KEK: ${POSTRIDER_KEK:?see above}',
    '  kafka:',
    '    environment:',
    '      POSTRIDER_C: 3',
    '',
  ].join('\n');
  const [router, ...others] = settingsOfCompose(text);
  assert.equal(others.length, 0);
  assert.equal(router?.service, 'router');
  assert.deepEqual(Object.keys(router.env), ['POSTRIDER_A', 'POSTRIDER_B', 'POSTRIDER_KEK']);
  assert.equal(router.env['POSTRIDER_B'], '2');
  assert.equal(Buffer.from(router.env['POSTRIDER_KEK'] ?? '', 'base64').length, 32);
});

test('rendered settings are found in ConfigMaps and nowhere else', () => {
  const manifests = [
    'kind: ConfigMap\nmetadata:\n  name: a-router\ndata:\n  POSTRIDER_A: "one,two"',
    'kind: Deployment\nmetadata:\n  name: a-router\nenv:\n  POSTRIDER_B: x',
    'kind: ConfigMap\nmetadata:\n  name: other\ndata:\n  POSTRIDER_C: x',
  ].join('\n---\n');
  assert.deepEqual(settingsOfManifests(manifests), [{ service: 'router', env: { POSTRIDER_A: 'one,two' } }]);
});

test('a setting that its service does not take is told, and files of secrets can be read', async () => {
  const root = mkdtempSync(join(tmpdir(), 'postrider-service-'));
  try {
    mkdirSync(join(root, 'services/router/src'), { recursive: true });
    const code = [
      "import { readFileSync } from 'node:fs';",
      'export function readRouterConfig(env) {',
      "  if (readFileSync(env.POSTRIDER_KEK_FILE, 'utf8').length < 40) throw new Error('short key');",
      "  if ('POSTRIDER_X' in env) throw new Error('POSTRIDER_X is not a known setting');",
      '}',
    ].join('\n');
    writeFileSync(join(root, 'services/router/src/config.ts'), code);
    const env = { POSTRIDER_KEK_FILE: '/etc/postrider/secrets/kek' };
    assert.deepEqual(await settingProblems(root, [{ service: 'router', env }]), []);
    const [problem] = await settingProblems(root, [{ service: 'router', env: { ...env, POSTRIDER_X: '1' } }]);
    assert.match(problem ?? '', /^router: POSTRIDER_X is not a known setting/);
    const [absent] = await settingProblems(root, [{ service: 'dispatcher', env }]);
    assert.match(absent ?? '', /config\.ts is not there/);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
