/**
 * Which of two states is newer: the same rule as displays/protocol.py (supersedes), held to it by a test.
 *
 * @typedef {object} Mark
 * @property {number} version of the store
 * @property {number} asOf when it was read, ms since 1970
 * @property {?string} incident what it shows, or null
 * @property {number} revision of that incident
 * @property {?string} [ending] how it ended
 */

/** Reads further apart than this are ordered by time alone: a store may be put back from a backup. */
const PUT_BACK_AFTER_MS = 600_000;

/**
 * Whether a screen takes `next` over `held`: newest state wins, an older one is refused.
 * @param {Mark} next
 * @param {?Mark} held
 */
export function supersedes(next, held) {
  if (held === null) return true;
  if (next.incident !== null && next.incident === held.incident && next.revision < held.revision) return false;
  if (Math.abs(next.asOf - held.asOf) >= PUT_BACK_AFTER_MS) return next.asOf > held.asOf;
  if (next.version !== held.version) return next.version > held.version;
  return next.asOf >= held.asOf;
}

/**
 * Whether two marks are about the same revision of the same thing.
 * @param {Mark} one
 * @param {Mark} other
 */
export function sameSubject(one, other) {
  return one.incident === other.incident && one.revision === other.revision && one.ending === other.ending;
}
