/**
 * What to paint now, from what is held and the corrected time. Pure: no DOM, no clock, no storage.
 */
import { inForce } from "../js/in_force.js";

const STATUS = { ernstfall: "Actual", probewarnung: "Test", uebung: "Exercise" };

/**
 * "idle", "alert", "ending" or "expired" (ran out here, without a word from the gateway).
 * @param {?ScreenState} held
 * @param {number} now
 * @param {boolean} timeKnown
 * @returns {Scene}
 */
export function sceneOf(held, now, timeKnown) {
  if (held === null || held.kind !== "alert") return "idle";
  const [frame] = held.faces;
  if (frame.ending !== null) return !timeKnown || now < Date.parse(frame.hide_at) ? "ending" : "idle";
  const entry = {
    revision: frame.revision,
    status: STATUS[frame.occasion],
    ending: frame.ending,
    sent: frame.sent,
    expires: [frame.expires],
  };
  // The gateway gave it to this screen, so the screen may see it. An unknown time ends nothing.
  if (!timeKnown || inForce([entry], now, { joined: true }) !== null) return "alert";
  return now < Date.parse(frame.expires) + frame.linger_s * 1000 ? "expired" : "idle";
}
