import { formatRevision, parseRevision, PostriderError } from '@postrider/core';
import { topicName } from '@postrider/kafka';
import type { ConfigView } from '@postrider/config-view';
import type { AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { Admin } from '@postrider/kafka';
import type { WriterSeat } from './writer-seat.ts';

export interface ConfigMarkOptions {
  readonly admin: Pick<Admin, 'offsets' | 'topicIds'>;
  readonly view: ConfigView;
  readonly topicPrefix: string;
  readonly seat: Pick<WriterSeat, 'commit' | 'committed'>;
  /** A loss up to this revision is known to the operator, who goes on from what is left. */
  readonly acceptLossTo?: string;
}

/** Knows how far leaders have written, so that a topic that tells of less is not built upon. */
export interface ConfigMark {
  /**
   * Holds the topic against what is known of it. Gives the revision that all new ones must lie above.
   * @throws PostriderError `read_only`, with what to do
   */
  inspect(): Promise<string>;
  /** The end of the audit as leaders before noted it; absent: none did. */
  audited(): Promise<AuditHead | undefined>;
  /** Notes how far the topic goes now, and the end of the audit. Asked of the leader only. */
  note(audit: AuditHead): Promise<void>;
}

/** What is noted with the group's offset of `config`. */
interface Noted {
  readonly revision: string;
  /** Number and hash (base64) of the newest entry of the audit. */
  readonly audit?: { readonly sequence: string; readonly hash: string };
}

/**
 * The mark stands with the offsets of the writers' group, so it outlives every replica, but not the topic’s loss: a process
 * that starts with an empty memory knows by it that a topic was not always empty. What this process itself has read counts, too.
 */
export function createConfigMark(options: ConfigMarkOptions): ConfigMark {
  const { admin, view, seat, acceptLossTo = '0' } = options;
  const topic = topicName(options.topicPrefix, 'config');
  const place = { topic, partition: 0 };
  let topicId = '';

  return {
    async inspect() {
      // Before it is asked where the topic ends: what is read meanwhile may lie behind the answer.
      const { highest } = view.position();
      const [range] = await admin.offsets(topic);
      const id = (await admin.topicIds([topic])).get(topic) ?? '';
      const end = range?.high ?? 0;
      if (topicId !== '' && id !== '' && id !== topicId) throw lost(`${topic} was deleted and made anew`, view);
      if (end < highest) throw lost(`${topic} ends at offset ${end}, but was read up to ${highest}`, view);
      if (id !== '') topicId = id;
      const noted = parseRevision(readNoted((await seat.committed(place))?.metadata).revision);
      const present = BigInt(view.snapshot().revision);
      if (noted !== null && noted > present && noted > (parseRevision(acceptLossTo) ?? 0n)) {
        throw rolledBack(topic, present, noted);
      }
      return formatRevision(noted !== null && noted > present ? noted : present);
    },
    async audited() {
      const { audit } = readNoted((await seat.committed(place))?.metadata);
      const sequence = parseRevision(audit?.sequence ?? '');
      if (audit === undefined || sequence === null) return undefined;
      return { sequence, hash: Buffer.from(audit.hash, 'base64') };
    },
    async note({ sequence, hash }) {
      const audit = { sequence: String(sequence), hash: hash.toString('base64') };
      const noted: Noted = { revision: view.snapshot().revision, audit };
      await seat.commit([{ ...place, offset: view.position().next, metadata: JSON.stringify(noted) }]);
    },
  };
}

function readNoted(metadata: string | undefined): Noted {
  try {
    const { revision, audit } = JSON.parse(metadata ?? '') as Partial<Noted>;
    const isAudit = typeof audit?.sequence === 'string' && typeof audit.hash === 'string';
    return { revision: typeof revision === 'string' ? revision : '', ...(isAudit ? { audit } : {}) };
  } catch {
    return { revision: '' };
  }
}

function lost(what: string, view: ConfigView): PostriderError {
  const { revision } = view.snapshot();
  return readOnly(
    `${what}: no changes are taken, and what was read last (revision ${revision}) stays in force here. ` +
      'Restore the topic from a copy, or restart the control plane to go on from what is left',
  );
}

function rolledBack(topic: string, present: bigint, noted: bigint): PostriderError {
  return readOnly(
    `${topic} tells of no revision above ${present}, but ${noted} was written: it was emptied, truncated, or restored from ` +
      `an older copy. Restore it from a newer one and restart, or set POSTRIDER_ACCEPT_CONFIG_LOSS=${noted} to go on from what is left`,
  );
}

function readOnly(text: string): PostriderError {
  return new PostriderError('read_only', text);
}
