import { createRealHarness, kafkaConformance } from '@postrider/kafka/testing/conformance';
import { sharedKafka } from '../support/kafka.ts';

kafkaConformance(async () => createRealHarness((await sharedKafka()).bootstrapServers));
