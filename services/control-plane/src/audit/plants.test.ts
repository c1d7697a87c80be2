/**
 * Control planes with a mistake in what makes the audit worth something, each of which the tests must notice. The source on
 * disk stays as it is.
 */
import { holesAreNoticed, type Hole } from '../../../../test/support/plants-noticed.ts';

const src = 'services/control-plane/src';

const holes: readonly Hole[] = [
  {
    what: 'changes are written without their entries',
    plants: [
      {
        file: `${src}/config-writer.ts`,
        find: 'const records = [...rows.map((row) => outgoing(this.#options, row)), ...part.records];',
        replace: 'const records = rows.map((row) => outgoing(this.#options, row));',
      },
    ],
    file: `${src}/config-writer.test.ts`,
    only: 'every record of the configuration has its entry',
    says: /✖ every record of the configuration has its entry/,
  },
  {
    what: 'a secret is shown before that is acknowledged to be on record',
    plants: [
      {
        file: `${src}/secrets/reveal-secret.ts`,
        find: 'await recordReveal(context, caller, { name, reason });',
        replace: 'void recordReveal(context, caller, { name, reason }).catch(() => {});',
      },
    ],
    file: `${src}/secrets/secret-methods.test.ts`,
    only: 'cannot be put on record',
    says: /✖ a secret whose showing cannot be put on record is not shown/,
  },
  {
    what: 'an entry that was altered passes',
    plants: [
      {
        file: 'packages/core/src/audit-chain.ts',
        find: 'if (!auditHash(bytes).equals(entry.hash))',
        replace: 'if (bytes.length > 1_000_000)',
      },
    ],
    file: 'packages/core/src/audit-chain.test.ts',
    says: /✖ an entry that was altered is found/,
  },
  {
    what: 'an end that was cut off passes, though its head was noted',
    plants: [
      {
        file: `${src}/audit/chain.ts`,
        find: 'const isLost = head.sequence < noted.sequence;',
        replace: 'const isLost = head.sequence < noted.sequence - 1_000n;',
      },
    ],
    file: `${src}/audit/leaders.test.ts`,
    only: 'whose end was cut',
    says: /✖ an audit whose end was cut while nobody led is told/,
  },
  {
    what: 'who has a role in one tenant sees the entries of all',
    plants: [{ file: `${src}/scoped-config.ts`, find: 'audit: audit.within(reach),', replace: 'audit,' }],
    file: `${src}/audit/audit-service.test.ts`,
    only: 'who has a role in one tenant',
    says: /✖ who has a role in one tenant sees what was done there/,
  },
  {
    what: 'a secret’s value is told',
    plants: [
      {
        file: 'packages/core/src/changed-fields.ts',
        find: 'if (field.secret === true) return SECRET;',
        replace: 'if (field.secret === false) return SECRET;',
      },
    ],
    file: 'packages/core/src/changed-fields.test.ts',
    says: /✖ no secret of any kind of entity is shown/,
  },
];

holesAreNoticed('what makes the audit worth something is missed when it is gone', holes);
