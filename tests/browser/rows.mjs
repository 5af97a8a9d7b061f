// Rows of people on a locked desktop: the page before and after a statement, a mistake, and the same place seen from
// elsewhere, against axe. Run by tests/attacks/rows.rs:
//   node rows.mjs '{"base": …, "workspace": …, "invitation": …, "desktop": {"x-real-ip": …}, "sql": …}'
// Prints one JSON line: the pages that were checked, and every fault.
import { Person, browser } from "./lib.mjs";

const ask = JSON.parse(process.argv[2]);
const chromium = await browser();
const checked = new Set();
const at = await Person.enter(chromium, ask.base, {}, { checked, headers: ask.desktop });

async function run(sql, seen, name) {
  // An empty editor: over coloured text the browser would write styles, which the pages forbid.
  await at.go(`/workspaces/${ask.workspace}`);
  await at.fill("Statement", sql);
  await at.page.getByRole("button", { name: "Run", exact: true }).click();
  await at.see(seen);
  await at.look(name);
}

await at.join(ask.invitation, "researcher", "three pale herons wading");
await at.go(`/workspaces/${ask.workspace}`);
await at.see("This screen shows rows of people");
await run(ask.sql, "Rows of people", "with rows");
await run("select nothing from nowhere", "nowhere does not exist", "with the engine's words");
await at.page.context().setExtraHTTPHeaders({});
await at.page.reload();
await at.see("you are not at one");
await at.look("from elsewhere");
console.log(JSON.stringify({ checked: [...checked], faults: at.faults }));
await chromium.close();
