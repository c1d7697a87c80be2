import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from './diagnosis.ts';

const exited = { code: 1, signal: null };

test('each cause that a user can act on is recognised by the line that decides', () => {
  const cases = [
    [
      '12:00:00.000 ERROR LogManager: Failed to acquire lock on file .lock in /d. A Kafka instance may …',
      'DATA_LOCKED',
    ],
    ['Caused by: java.net.BindException: Address already in use', 'PORT_TAKEN'],
    ['java.io.IOException: No space left on device', 'DISK_SHORT'],
    [
      'java.lang.InternalError: a fault occurred in a recent unsafe memory access operation in compiled Java code',
      'DISK_SHORT',
    ],
    ['Terminating due to java.lang.OutOfMemoryError: Java heap space', 'HEAP_EXHAUSTED'],
    ['Error: Could not reserve enough space for 262144KB object heap', 'MEMORY_SHORT'],
    ["OpenJDK warning: os::commit_memory failed; error='Cannot allocate memory' (errno=12)", 'MEMORY_SHORT'],
    ['Exception in thread "main" java.lang.UnsupportedClassVersionError: kafka/Kafka', 'JAVA_TOO_OLD'],
    ["java.lang.RuntimeException: Stored node id 1 doesn't match previous node id 2 in /d", 'DATA_FOREIGN'],
    ['java.nio.file.AccessDeniedException: /d/meta.properties', 'DATA_UNUSABLE'],
  ] as const;
  for (const [line, code] of cases) {
    const problem = diagnose(exited, ['some line before', line, 'some line after'], '/d');
    assert.equal(problem.code, code);
    assert.ok(problem.message.includes(line), `the decisive line is shown: ${problem.message}`);
  }
});

test('a full disk is named as the cause, also when other errors were logged before it', () => {
  const lines = ['ERROR Address already in use', 'java.io.IOException: No space left on device'];
  const problem = diagnose(exited, lines, '/data/kafka');
  assert.equal(problem.code, 'DISK_SHORT');
  assert.match(problem.message, /disk is full.*\/data\/kafka/);
});

test('an unknown end shows how the process ended and its first error line', () => {
  const problem = diagnose(exited, ['INFO fine', 'ERROR KafkaServer: the dog ate it', 'at a.b.C'], '/d');
  assert.equal(problem.code, 'BROKER_EXITED');
  assert.equal(problem.message, 'Kafka ended with exit code 1. It said: ERROR KafkaServer: the dog ate it');
});

test('a silent SIGKILL hints at the out-of-memory killer', () => {
  assert.match(diagnose({ code: null, signal: 'SIGKILL' }, [], '/d').message, /by SIGKILL.*out of memory/);
});
