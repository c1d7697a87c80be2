import { countOf } from '../count-of.ts';
import { limits } from '@postrider/core';
import { clockAction, shortList, type Finding } from './finding.ts';
import { keyFindings } from './key-findings.ts';
import { shortName } from '../names.ts';
import type { Dispatcher, DispatcherStatus } from '@postrider/contract/postrider/v1/dispatcher_service';
import type { Pause } from '@postrider/contract/postrider/v1/pause';
import type { Asked, Facts, PlaneFacts } from './facts.ts';

/** How late a delivery may be that could start: the promise is a second or 2 %. */
const LATE_MS = 60_000;

/** What is wrong by what the control plane says, and dispatchers through it. */
export function planeFindings(plane: Asked<PlaneFacts>, facts: Pick<Facts, 'now' | 'version'>): Finding[] {
  if (!plane.ok) {
    const what = `The control plane does not answer: ${plane.problem}`;
    const action = 'Deliveries go on without it; nothing can be changed or asked until it runs. Look at its log.';
    return [{ code: 'control-plane-dead', severity: 'error', what, action }];
  }
  const { dispatchers, pauses, certificateEnds } = plane.value;
  const serverTime = dispatchers.serverTime?.getTime() ?? facts.now;
  const answered = dispatchers.dispatchers.flatMap(({ name, status }) =>
    status === undefined ? [] : [{ name, status }],
  );
  return [
    ...clockFinding('the control plane', serverTime - facts.now),
    ...certificateFinding(certificateEnds, serverTime),
    ...keyFindings(plane.value.keys, serverTime),
    ...pauses.map((pause) => pauseFinding(pause)),
    ...drainFindings(dispatchers.dispatchers),
    ...dispatchers.dispatchers.flatMap((one) => dispatcherFindings(one)),
    ...answered.flatMap(({ name, status }) => statusFindings(name, status, serverTime)),
    ...versionFindings(answered, facts.version),
  ];
}

/** Before this it is being renewed by whoever does that. */
const CERTIFICATE_ENDS_SOON_MS = 14 * 24 * 3_600_000;

function certificateFinding(endsAt: Date | null, now: number): Finding[] {
  if (endsAt === null || endsAt.getTime() - now > CERTIFICATE_ENDS_SOON_MS) return [];
  const what = `The certificate of the API ends at ${endsAt.toISOString()}: nobody will believe the control plane then.`;
  const action = 'Renew it: the control plane reads its files every second, and its log says why it cannot use them.';
  return [{ code: 'api-certificate-ending', severity: 'warning', what, action }];
}

function pauseFinding({ name, reason, actor, createTime, expireTime }: Pause): Finding {
  const until = expireTime === undefined ? 'until somebody resumes it' : `until ${expireTime.toISOString()}`;
  const what = `${name} is paused ${until}, since ${createTime?.toISOString() ?? 'a while'}, by ${actor}: ${reason}`;
  const action = `Nothing of it is sent, and what expires is lost to its endpoint. "${resumeCommand(name)}" ends it.`;
  return { code: 'paused', severity: 'warning', what, action };
}

function resumeCommand(name: string): string {
  if (name.startsWith('egressPools/')) return `postrider resume pool ${shortName(name)}`;
  if (!name.startsWith('tenants/')) return 'postrider resume everything';
  return `postrider resume ${name.includes('/endpoints/') ? 'endpoint' : 'tenant'} ${shortName(name)}`;
}

/** All of them at once are one finding: nobody else is left to deliver. Of a process that is gone only its drain is left. */
function drainFindings(dispatchers: readonly Dispatcher[]): Finding[] {
  const drained = dispatchers.flatMap(({ name, drain, problem }) =>
    drain === undefined ? [] : [{ name: shortName(name), drain, isGone: problem !== '' }],
  );
  const alive = drained.find(({ isGone }) => !isGone);
  if (alive !== undefined && drained.length === dispatchers.length) {
    const who = drained.map(({ name, drain }) => `${name} by ${drain.actor} (${drain.reason})`);
    const what = `Every dispatcher is drained, so nothing is delivered: ${shortList(who)}.`;
    const action = `"postrider dispatcher undrain ${alive.name}" lets it take part again, or start another. What waits is sent then.`;
    return [{ code: 'all-drained', severity: 'error', what, action }];
  }
  return drained.map(({ name, drain, isGone }) => ({
    ...{ code: 'drained', severity: isGone ? 'info' : 'warning' },
    what: `${name} is drained, by ${drain.actor}: ${drain.reason}${isGone ? ' It does not answer, and may be gone.' : ''}`,
    action: `"postrider dispatcher undrain ${name}" ${isGone ? 'forgets it' : 'ends it'}.`,
  }));
}

function dispatcherFindings({ name, drain, problem, member, partitions }: Dispatcher): Finding[] {
  if (drain !== undefined) return [];
  const findings: Finding[] = [];
  if (problem !== '') {
    const action =
      'If the process is gone, its partitions are taken over within a minute. Else: network, POSTRIDER_KEK, version?';
    const what = `${name} cannot be asked: ${problem}`;
    findings.push({ code: 'dispatcher-silent', severity: 'warning', what, action });
  }
  if (!member && partitions.length > 0) {
    const what = `${name} owns partitions ${shortList(partitions.map(String))} and is not a member of the group.`;
    const action = 'It died or lost Kafka a moment ago: another takes over. If it stays so, no dispatcher is left.';
    findings.push({ code: 'owner-not-member', severity: 'error', what, action });
  }
  return findings;
}

function statusFindings(name: string, status: DispatcherStatus, serverTime: number): Finding[] {
  const findings: Finding[] = status.troubles
    .filter((trouble) => !trouble.startsWith('drained '))
    .map((trouble) => ({
      ...{ code: 'dispatcher-troubled', severity: 'error', what: `${name}: ${trouble}` },
      action: 'Its log says more; /readyz of that process tells the same.',
    }));
  const waitingMax = Number(status.waitingMax);
  if (waitingMax > 0 && Number(status.waiting) >= waitingMax * limits.pauseAtFraction) {
    const what = `${name} holds ${status.waiting} waiting deliveries of ${waitingMax}: it takes nothing more in.`;
    const action =
      'Find the endpoint with the largest backlog and disable or mend it, add dispatchers, or raise POSTRIDER_ROWS_MAX.';
    findings.push({ code: 'rows-full', severity: 'error', what, action });
  }
  const now = status.time?.getTime() ?? serverTime;
  const oldest = status.oldestDueTime?.getTime() ?? now;
  if (now - oldest > LATE_MS) {
    const what = `${name}: a delivery that could start has waited for ${Math.round((now - oldest) / 1_000)} s.`;
    const action =
      'It has more to send than it may have in flight: add dispatchers, or look which endpoints answer slowly.';
    findings.push({ code: 'deliveries-late', severity: 'warning', what, action });
  }
  if (status.configProblems > 0) {
    const what = `${name} cannot read ${countOf(status.configProblems, 'record')} of the configuration.`;
    const action = 'A newer version wrote them, or somebody else did: finish the upgrade; its log names them.';
    findings.push({ code: 'config-unreadable', severity: 'warning', what, action });
  }
  if (status.breakersOpen > 0) {
    const what = `${name}: ${countOf(status.breakersOpen, 'endpoint fails and is', 'endpoints fail and are')} left alone for now.`;
    const action =
      'If these are nearly all, the fault may be ours: names, routes, proxies. "postrider backlog" tells of one.';
    findings.push({ code: 'breakers-open', severity: 'info', what, action });
  }
  return [...findings, ...clockFinding(name, now - serverTime, status.askedInMs)];
}

function clockFinding(whose: string, apartMs: number, doubtMs = 0): Finding[] {
  if (Math.abs(apartMs) <= limits.clocksApartMaxMs + doubtMs) return [];
  const what = `The clock of ${whose} is ${Math.abs(Math.round(apartMs / 1_000))} s ${apartMs > 0 ? 'ahead' : 'behind'}.`;
  return [{ code: 'clocks-apart', severity: 'warning', what, action: clockAction }];
}

function versionFindings(answered: readonly { readonly status: DispatcherStatus }[], own: string): Finding[] {
  const versions = [...new Set([own, ...answered.map(({ status }) => status.version)])];
  if (versions.length === 1) return [];
  const what = `Versions differ: this command is ${own}, dispatchers are ${shortList(versions.slice(1))}.`;
  const action = 'Finish the upgrade, and use nothing that is new in it before (docs/operations/install.md).';
  return [{ code: 'versions-differ', severity: 'info', what, action }];
}
