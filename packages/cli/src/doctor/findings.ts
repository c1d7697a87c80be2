import { limits } from '@postrider/core';
import { countOf } from '../count-of.ts';
import { clockAction, severities, shortList, unknown, type Finding } from './finding.ts';
import { planeFindings } from './plane-findings.ts';
import type { Asked, Facts, KafkaFacts, Lag, LayoutFacts, SourceLag } from './facts.ts';
import type { OwnerOfPartition } from '@postrider/kafka';

/** What is wrong with an installation by what was found out: the worst first. */
export function findingsOf(facts: Facts): readonly Finding[] {
  const { kafka, plane } = facts;
  const ofKafka = kafka === undefined ? [notAsked('kafka', '--brokers')] : askedKafka(kafka, facts.now);
  const ofPlane =
    plane === undefined ? [notAsked('control-plane', '--server and --api-key')] : planeFindings(plane, facts);
  // One cause is one finding: that all are drained says why nobody takes part.
  const consequences = ofPlane.some(({ code }) => code === 'all-drained')
    ? ['no-dispatcher', 'partition-ownerless']
    : [];
  const found = [...ofKafka.filter(({ code }) => !consequences.includes(code)), ...ofPlane];
  return found.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

/** Deliveries that may be under way in one partition without anybody being late. */
const LAG_MAX = limits.offsetRangeMax;

function notAsked(what: string, flags: string): Finding {
  return {
    code: `${what}-not-asked`,
    severity: 'warning',
    what: `The ${what === 'kafka' ? 'Kafka' : 'control plane'} was not asked: I do not know where it is.`,
    action: `Give ${flags}, or run this in the folder of a standalone installation.`,
  };
}

function askedKafka(kafka: Asked<KafkaFacts>, now: number): Finding[] {
  if (!kafka.ok) {
    const action =
      'Check the brokers, the network, and the credentials. Nothing is lost; everything goes on by itself.';
    return [{ code: 'kafka-unreachable', severity: 'error', what: `Kafka does not answer: ${kafka.problem}`, action }];
  }
  const { value } = kafka;
  return [
    ...value.topicProblems.map((what): Finding => ({
      code: 'topic-unfit',
      severity: 'error',
      what,
      action: topicAction,
    })),
    ...layoutFindings(value.layout),
    ...memberFindings(value),
    ...ownerFindings(value.owners, now),
    ...lagFindings(value.lags),
    ...sourceLagFindings(value.sourceLags),
  ];
}

const topicAction =
  'Create missing topics with "postrider topics apply"; change settings with kafka-configs. Services refuse to start with it.';

function layoutFindings(layout: Asked<LayoutFacts | null>): Finding[] {
  if (!layout.ok) return [unknown('layout', layout.problem)];
  if (layout.value !== null) return [];
  const action = 'Start the control plane once: it writes the layout, and the other services wait for it.';
  return [
    { code: 'layout-missing', severity: 'error', what: 'There is no layout: no control plane has run here.', action },
  ];
}

function memberFindings({ dispatchers, routers }: KafkaFacts): Finding[] {
  const findings: Finding[] = [];
  const groups = [
    { name: 'dispatcher', group: dispatchers, effect: 'nothing is delivered' },
    { name: 'router', group: routers, effect: 'events are kept on their topics and not routed' },
  ];
  for (const { name, group, effect } of groups) {
    if (!group.ok) findings.push(unknown(`group of ${name}s`, group.problem));
    else if (group.value.members.length === 0) {
      const action = `Start a ${name}${name === 'dispatcher' ? ', or undrain one that is drained' : ''}. What waits is sent as soon as one takes part.`;
      findings.push({ code: `no-${name}`, severity: 'error', what: `No ${name} takes part: ${effect}.`, action });
    } else if (group.value.state === 'rebalancing') {
      const what = `The group of ${name}s is dividing its partitions anew at this moment.`;
      const action = 'Ask again in a minute. If it never ends, look for one that restarts again and again.';
      findings.push({ code: `${name}s-rebalancing`, severity: 'info', what, action });
    }
  }
  return findings;
}

function ownerFindings(owners: Asked<readonly OwnerOfPartition[]>, now: number): Finding[] {
  if (!owners.ok) return [unknown('owners of partitions', owners.problem)];
  const findings: Finding[] = [];
  const named = (of: readonly OwnerOfPartition[]): string => shortList(of.map(({ partition }) => String(partition)));
  const ownerless = owners.value.filter(({ processId, released }) => processId === null || released);
  if (ownerless.length > 0) {
    const what = `${ownerless.length} of ${countOf(owners.value.length, 'partition')} ${ownerless.length === 1 ? 'has' : 'have'} no owner: ${named(ownerless)}.`;
    const action =
      'A takeover takes seconds. If it stays so: are all dispatchers drained, or do they log "partition.waiting"?';
    findings.push({ code: 'partition-ownerless', severity: 'error', what, action });
  }
  const contested = owners.value.filter(({ late }) => late.length > 0);
  if (contested.length > 0) {
    const who = shortList([...new Set(contested.flatMap(({ late }) => late))]);
    const what = `Partitions ${named(contested)}: ${who} wrote there after another process had claimed them.`;
    const action =
      'Harmless once, after a pause of a process; a process that does so again and again should be restarted.';
    findings.push({ code: 'claims-contested', severity: 'warning', what, action });
  }
  const newest = Math.max(...owners.value.map(({ progressAt }) => progressAt ?? 0));
  if (newest - now > limits.clocksApartMaxMs) {
    const what = `Kafka's clock is ${Math.round((newest - now) / 1_000)} s ahead of this machine's.`;
    findings.push({ code: 'clocks-apart', severity: 'warning', what, action: clockAction });
  }
  return findings;
}

function lagFindings(lags: Asked<readonly Lag[]>): Finding[] {
  if (!lags.ok) return [unknown('lag of deliveries', lags.problem)];
  const behind = lags.value.filter(({ records }) => records > LAG_MAX).toSorted((a, b) => b.records - a.records);
  if (behind.length === 0) return [];
  const worst = shortList(behind.map(({ partition, records }) => `${partition} (${records})`));
  const what = `Deliveries are behind in ${countOf(behind.length, 'partition')}: ${worst} are not done.`;
  const action =
    'Look for one endpoint with a large backlog (postrider_waiting_deliveries_largest), then add dispatchers. Events wait, none is lost.';
  return [{ code: 'deliveries-behind', severity: 'warning', what, action }];
}

function sourceLagFindings(lags: Asked<readonly SourceLag[]>): Finding[] {
  if (!lags.ok) return [unknown('lag of routers', lags.problem)];
  const behind = lags.value.filter(({ records }) => records > LAG_MAX).toSorted((a, b) => b.records - a.records);
  if (behind.length === 0) return [];
  const worst = shortList(behind.map(({ topic, partition, records }) => `${topic}/${partition} (${records})`));
  const what = `Routers are behind in ${countOf(behind.length, 'partition')} of source topics: ${worst} events are not routed.`;
  const action =
    'Add routers, up to one for each partition. If one partition stands still while others go on, look at the log of its router. Events wait, none is lost.';
  return [{ code: 'events-behind', severity: 'warning', what, action }];
}
