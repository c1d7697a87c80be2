/** What anybody may ask without a key. Doubles: the server and the streams of clients. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { addReflection } from './reflection.ts';

type Serve = (stream: Duplex) => void;

function reflection(): Serve {
  const served: Serve[] = [];
  const addService = (_service: object, methods: { readonly ServerReflectionInfo: Serve }): void =>
    void served.push(methods.ServerReflectionInfo);
  addReflection({ addService } as never, ['postrider.v1.TenantService']);
  return served[0] ?? assert.fail();
}

/** A client that takes an answer when `take` is called. */
function client() {
  const waiting: (() => void)[] = [];
  const answers: object[] = [];
  const stream = new Duplex({
    objectMode: true,
    read() {},
    write(answer: object, _encoding, taken: () => void) {
      answers.push(answer);
      waiting.push(taken);
    },
  });
  return { stream, answers, take: () => waiting.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('who does not take the answers is asked for no more questions than there is room for; then it goes on', async () => {
  const { stream, answers, take } = client();
  reflection()(stream);
  const asked = 200;
  for (let count = 0; count < asked; count += 1) stream.push({ messageRequest: 'listServices', listServices: '' });
  await turn();
  assert.ok(stream.writableLength <= stream.writableHighWaterMark, `${stream.writableLength} answers wait`);
  assert.ok(stream.readableLength >= asked - stream.writableHighWaterMark - 1);
  while (answers.length < asked) {
    take();
    await turn();
  }
});

test('a question that is longer than any name is refused, and not repeated', async () => {
  const { stream, answers } = client();
  reflection()(stream);
  const long = 'x'.repeat(2_000);
  const extension = { containingType: long, extensionNumber: 1 };
  const questions = [
    { host: long, messageRequest: 'listServices', listServices: '' },
    { messageRequest: 'fileByFilename', fileByFilename: long },
    { messageRequest: 'fileContainingExtension', fileContainingExtension: extension },
  ];
  for (const question of questions) {
    const one = client();
    reflection()(one.stream);
    one.stream.push(question);
    await turn();
    assert.equal(JSON.stringify(one.answers).includes('xxx'), false);
    assert.match(JSON.stringify(one.answers), new RegExp(`"errorCode":${status.INVALID_ARGUMENT}\\b`));
  }
  stream.push({ messageRequest: 'fileContainingSymbol', fileContainingSymbol: 'postrider.v1.TenantService' });
  await turn();
  assert.match(JSON.stringify(answers), /fileDescriptorResponse/);
});
