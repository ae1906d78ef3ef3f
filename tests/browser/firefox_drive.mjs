// Drives one Firefox over WebDriver BiDi. Reads one JSON command per line, answers each with one JSON line.
// Arguments: a folder with node_modules, then launch options as JSON {executablePath, userDataDir, prefs}.
// It knows nothing of REALIS; what to do on a page comes from the test.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [modules, options] = process.argv.slice(2);
const puppeteer = createRequire(`${modules}/package.json`)('puppeteer-core');
const { executablePath, userDataDir, prefs } = JSON.parse(options);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

const browser = await puppeteer.launch({
  browser: 'firefox', headless: true, executablePath, userDataDir, extraPrefsFirefox: prefs, timeout: 60_000,
});
const page = await browser.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));
say({ ok: await browser.version() });

// Asked again and again from outside: waitForFunction needs eval, which a strict page forbids.
async function until({ script }) {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await page.evaluate(script);
    if (value) return value;
    if (Date.now() > end) throw new Error(`never true: ${script}`);
    await new Promise((again) => setTimeout(again, 100));
  }
}

const commands = {
  open: async ({ url }) => { await page.goto(url, { timeout: 30_000 }); return page.url(); },
  click: async ({ selector }) => { await page.waitForSelector(selector, { timeout: 15_000 }); await page.click(selector); return true; },
  select: async ({ selector, values }) => page.select(selector, ...values),
  evaluate: async ({ script }) => page.evaluate(script),
  until,
  problems: async () => problems,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { name, ...given } = JSON.parse(line);
  if (name === 'close') break;
  try { say({ ok: (await commands[name](given)) ?? null }); } catch (error) { say({ error: String(error) }); }
}
await browser.close();
process.exit(0);
