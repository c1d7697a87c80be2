import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectKafka } from '@postrider/kafka';
import { realClock } from '@postrider/kafka/testing/conformance';
import { freePort } from '../support/resources.ts';
import { startKafka } from '../support/kafka.ts';
import type { KafkaSasl } from '@postrider/kafka';

const plainLogin = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
const bearerLogin = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required';
const unsecured = 'org.apache.kafka.common.security.oauthbearer.internals.unsecured';

test('a cluster that asks who we are: PLAIN and OAUTHBEARER are let in, a wrong password is told as such', async () => {
  const [plaintext, controller, secured] = [await freePort(), await freePort(), await freePort()];
  await using kafka = await startKafka({
    ownBrokers: true,
    ports: [plaintext],
    properties: {
      listeners: `PLAINTEXT://127.0.0.1:${plaintext},CONTROLLER://127.0.0.1:${controller},SECURED://127.0.0.1:${secured}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plaintext},SECURED://127.0.0.1:${secured}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_PLAINTEXT',
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'sasl.enabled.mechanisms': 'PLAIN,OAUTHBEARER',
      'listener.name.secured.plain.sasl.jaas.config': `${plainLogin} user_postrider="s3cret";`,
      'listener.name.secured.oauthbearer.sasl.jaas.config': `${bearerLogin} unsecuredLoginStringClaim_sub="broker";`,
      'listener.name.secured.oauthbearer.sasl.server.callback.handler.class': `${unsecured}.OAuthBearerUnsecuredValidatorCallbackHandler`,
      'listener.name.secured.oauthbearer.sasl.login.callback.handler.class': `${unsecured}.OAuthBearerUnsecuredLoginCallbackHandler`,
    },
  });
  assert.equal(kafka.bootstrapServers.length, 1);
  const connect = (sasl: KafkaSasl) =>
    connectKafka({ brokers: [`127.0.0.1:${secured}`], clientId: 'secured', clock: realClock, sasl });
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const token = `${part({ alg: 'none' })}.${part({ sub: 'postrider', iat: now - 10, exp: now + 3_600 })}.`;
  const allowed: KafkaSasl[] = [
    { mechanism: 'plain', username: 'postrider', password: 's3cret' },
    { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token }) },
  ];
  for (const sasl of allowed) {
    await using port = connect(sasl);
    const name = `secured-${sasl.mechanism}`;
    await port.admin.createTopics([{ name, partitions: 1, replicationFactor: 1, config: {} }]);
    const ack = await port
      .producer({ name: 'writer' })
      .send({ topic: name, partition: 0, key: null, value: Buffer.from('x') });
    assert.equal(ack.offset, 0);
    const { promise, resolve } = Promise.withResolvers<string>();
    await port.reader({ topic: name, onBatch: ({ records }) => resolve(String(records[0]?.value)) });
    assert.equal(await promise, 'x');
  }
  await using stranger = connect({ mechanism: 'plain', username: 'postrider', password: 'wrong' });
  await assert.rejects(stranger.admin.describeCluster(), { code: 'UNAVAILABLE', message: /authentication/i });
});
