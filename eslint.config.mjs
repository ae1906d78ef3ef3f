// Lint for the scripts that pages, screens and service workers run. Types are checked by tsc (jsconfig.json).
// The libraries lie in .venv/npm, not beside this file, so they are found from there.
import { createRequire } from "node:module";

const require = createRequire(new URL(".venv/npm/package.json", import.meta.url));
const js = require("@eslint/js");
const globals = require("globals");

const WORKERS = ["mobile_api/static/phone/worker.js", "displays/static/display/sw.js"];
const CLASSIC = ["mobile_api/static/phone/keep.js", ...WORKERS];

export default [
  { ignores: ["realis/web/static/vendor/**", ".venv/**", "var/**"] },
  js.configs.recommended,
  { languageOptions: { ecmaVersion: 2023, sourceType: "module" } },
  { files: ["**/*.js"], ignores: WORKERS, languageOptions: { globals: globals.browser } },
  { files: WORKERS, languageOptions: { globals: globals.serviceworker } },
  { files: CLASSIC, languageOptions: { sourceType: "script" } },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
];
