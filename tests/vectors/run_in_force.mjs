// Answers each vector on standard input by the page's own rule; the Python test compares.
import { readFileSync } from "node:fs";
import { inForce, recentlyEnded } from "../../realis/web/static/js/in_force.js";

const answers = JSON.parse(readFileSync(0, "utf8")).map(({ chain, now, joined }) => ({
  in_force: inForce(chain, now, { joined })?.revision ?? null,
  ended: recentlyEnded(chain, now, { joined })?.ending ?? null,
}));
process.stdout.write(JSON.stringify(answers));
