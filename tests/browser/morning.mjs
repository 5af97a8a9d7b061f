// A researcher's morning in an open workspace, with the keyboard alone: completion, a workspace table, a result with
// its chart, the selection, what was run before, a dummy extract.
const TABLE = "select person, hospital from hospital_episodes where hospital is not null";
const COUNT = "select hospital, count(distinct person) as people from by_hospital group by hospital order by hospital";

export async function morning(rowan) {
  const page = rowan.page;
  const keys = page.keyboard;
  const fault = (text) => rowan.faults.push(`${page.url()}: ${text}`);
  const place = page.url().split("?")[0];
  await rowan.see("Table hospital_episodes");

  // Tables and columns complete themselves; what pops up passes axe too.
  await rowan.fill("Statement", "select hosp");
  await keys.press("Control+Space");
  await page.locator(".cm-tooltip-autocomplete").waitFor({ timeout: 10000 });
  await rowan.look("completion");
  await keys.press("Escape");

  // People are never shown, and can be a table that others select from.
  await rowan.fill("Statement", TABLE);
  await result(rowan, () => keys.press("Control+Enter"));
  if (await page.locator("#result table[data-pages]").count()) fault("rows of people are shown");
  await rowan.fill("Name", "by_hospital");
  await rowan.press("Save");
  await rowan.see("The statement is saved");
  await rowan.fill("Statement", COUNT);
  await result(rowan, () => keys.press("Control+Enter"));
  await rowan.see("Checked result,");
  await page.locator(".strongroom-chart svg").waitFor({ timeout: 10000 });
  await open(rowan, "Summary of the columns");
  await rowan.look("result");

  // Only the selection runs: the whole text is no statement.
  await rowan.fill("Statement", `oops ${COUNT}`);
  await keys.press("Control+Home");
  for (let step = 0; step < 5; step += 1) await keys.press("ArrowRight");
  await keys.press("Shift+Control+End");
  const selection = page.getByRole("button", { name: "Run the selection", exact: true });
  await rowan.tabTo(selection);
  await result(rowan, () => keys.press("Enter"));
  await rowan.see("Checked result,");

  // What was run before comes back to the box.
  await rowan.go(place);
  await open(rowan, "Your last statements");
  await rowan.look("history");
  await rowan.act(page.getByRole("link", { name: /^with by_hospital as/ }).first());
  const box = await page.getByLabel("Statement", { exact: true }).innerText();
  if (!box.includes("count(distinct person)")) fault(`the box holds ${JSON.stringify(box.slice(0, 80))}`);

  // Made-up rows to take home.
  const download = page.waitForEvent("download");
  await rowan.tabTo(page.getByRole("link", { name: "Download a dummy extract", exact: true }));
  await keys.press("Enter");
  const parts = [];
  for await (const part of await (await download).createReadStream()) parts.push(part);
  if (Buffer.concat(parts).subarray(8, 12).toString() !== "DUCK") fault("the dummy extract is no database");

  await rowan.press("Remove by_hospital");
  await rowan.see("The saved statement is removed");
}

// Runs, and waits for what comes of it.
async function result(rowan, run) {
  await rowan.page.evaluate(() => document.querySelector("#result").replaceChildren());
  await run();
  await rowan.page.locator("#result [data-focus]").waitFor({ timeout: 60000 });
}

async function open(rowan, text) {
  await rowan.tabTo(rowan.page.locator("summary", { hasText: text }).first());
  await rowan.page.keyboard.press("Enter");
}
