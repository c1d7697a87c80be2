import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mavenProblem } from './jars.ts';

test('an unreachable repository, a full disk and anything else are told apart', () => {
  const unreachable = mavenProblem([
    '[INFO] Scanning for projects...',
    '[ERROR] ',
    '[ERROR] Failed to execute goal: Could not transfer artifact a:b:pom:1 from/to central: Unknown host repo.example',
  ]);
  assert.equal(unreachable.code, 'DOWNLOAD_FAILED');
  assert.match(unreachable.message, /does not reach its repository.*Failed to execute goal/);
  assert.equal(mavenProblem(['[ERROR] x: No space left on device']).code, 'DISK_SHORT');
  assert.equal(mavenProblem(['[ERROR] boom']).message, 'Kafka could not be downloaded. Maven said: boom');
  assert.equal(mavenProblem([]).message, 'Kafka could not be downloaded. Maven said: nothing');
});
