/**
 * What is in force, for pages that decide without the server: the same rule as realis/model/incident.py, held to the same
 * vectors (tests/vectors/in_force.json). No clock here: `now` always comes in.
 *
 * @typedef {object} Entry one revision of an incident's chain
 * @property {number} revision counts from 1
 * @property {string} status CAP status: Actual, Test, Exercise, System or Draft
 * @property {?string} ending all_clear, retracted or ended; null while it warns
 * @property {string} sent ISO 8601 with offset
 * @property {Array<?string>} expires of all its infos, ISO 8601 with offset; empty where none was named
 */

/** Validity of a message that names no end (realis.alert.DEFAULT_VALIDITY). */
export const DEFAULT_VALIDITY_MS = 6 * 3600 * 1000;

/** How long an ending stays listed (realis.incident.ENDING_LISTED_FOR). */
export const ENDING_LISTED_FOR_MS = 24 * 3600 * 1000;

/**
 * An instant in ms since 1970. Throws RangeError for what is no time or names no zone.
 * @param {string | number | null} time
 * @returns {number}
 */
export function instant(time) {
  const zoned = typeof time !== "string" || /(Z|[+-]\d\d:\d\d)$/.test(time);
  const ms = zoned ? new Date(/** @type {string | number} */ (time)).getTime() : NaN;
  if (time === null || Number.isNaN(ms)) throw new RangeError(`not an instant: ${time}`);
  return ms;
}

/**
 * When a revision's validity ends, in ms: the latest expiry it names, else six hours after it was sent.
 * @param {Entry} entry
 * @returns {number}
 */
export function endsAt(entry) {
  const named = (entry.expires ?? []).filter((time) => time !== null).map(instant);
  return named.length > 0 ? Math.max(...named) : instant(entry.sent) + DEFAULT_VALIDITY_MS;
}

/**
 * The newest revision whatever order the chain came in, or null.
 * @param {Entry[]} chain
 * @returns {?Entry}
 */
export function latest(chain) {
  return chain.reduce(
    (best, entry) => (best === null || entry.revision > best.revision ? entry : best),
    /** @type {?Entry} */ (null),
  );
}

/**
 * @param {Entry} entry
 * @param {boolean} joined
 */
function visible(entry, joined) {
  return entry.status === "Actual" || entry.status === "Test" || (entry.status === "Exercise" && joined);
}

/**
 * The revision in force, or null: the latest one, unless it is an ending, or its validity is over at `now`, or the
 * viewer may not see it (exercises are for those who joined). Onset never delays it.
 * @param {Entry[]} chain
 * @param {string | number} now
 * @param {{ joined?: boolean }} [viewer]
 * @returns {?Entry}
 */
export function inForce(chain, now, { joined = false } = {}) {
  const newest = latest(chain);
  if (newest === null || newest.ending || !visible(newest, joined)) return null;
  return instant(now) < endsAt(newest) ? newest : null;
}

/**
 * How a chain ended, as `{ revision: Entry, ending, at }` with `at` in ms, for 24 hours after it; null while it is in
 * force, unseen or long over. `ending` is "expired" where nobody ended it.
 * @param {Entry[]} chain
 * @param {string | number} now
 * @param {{ joined?: boolean }} [viewer]
 * @returns {?{ revision: Entry, ending: string, at: number }}
 */
export function recentlyEnded(chain, now, { joined = false } = {}) {
  const newest = latest(chain);
  if (newest === null || !visible(newest, joined)) return null;
  const over = endsAt(newest);
  if (!newest.ending && instant(now) < over) return null;
  const ended = newest.ending
    ? { revision: newest, ending: newest.ending, at: instant(newest.sent) }
    : { revision: newest, ending: "expired", at: over };
  return instant(now) < ended.at + ENDING_LISTED_FOR_MS ? ended : null;
}
