// The README's first ten minutes as a script: an application by somebody, the decision by others, and a table
// that leaves. Run by tests/browser.rs:
//   node ten-minutes.mjs '{"base": …, "indexing": …, "password": …, "secret": …, "mode": "mouse|keyboard|plain", "shots": DIR}'
// Prints one JSON line: pages, fields and keystrokes of everybody together, and every fault.
import { STATEMENT, apply, date, submit, vote } from "./apply.mjs";
import { Person, browser } from "./lib.mjs";
import { morning } from "./morning.mjs";

const ask = JSON.parse(process.argv[2]);
const chromium = await browser();
const checked = new Set();
const people = [];
const TITLE = "Which hospitals see how many people";

async function as(name, base = ask.base) {
  const known = people.find((person) => person.who.name === name);
  if (known) {
    await known.go("/");
    return known;
  }
  const who = { name, password: ask.password, secret: ask.secret };
  const options = {
    keyboard: ask.mode === "keyboard",
    scripts: ask.mode !== "plain",
    axe: ask.mode !== "plain",
    checked,
    shots: ask.shots,
  };
  const person = await Person.enter(chromium, base, who, options);
  people.push(person);
  await person.signIn();
  return person;
}

async function toProject(person) {
  await person.go(project);
}

let project;
let output;
try {
  // Anybody, without signing in.
  const visitor = await Person.enter(chromium, ask.base, {}, { axe: ask.mode !== "plain", checked, shots: ask.shots });
  people.push(visitor);
  await visitor.go("/");
  await visitor.shot("landing");
  await visitor.go("/register");
  await visitor.shot("register");
  await visitor.go("/accessibility");

  // Rowan asks.
  const rowan = await as("rowan");
  await rowan.shot("researcher-worklist");
  await rowan.follow("Catalogue");
  await rowan.follow("Hospital episodes");
  await rowan.shot("catalogue-dataset");
  project = await apply(rowan, TITLE);
  await submit(rowan);

  // The controller signs; three panel members vote; the chair closes; the coordinator puts it in force.
  const controller = await signs("elspeth", "tam");
  await controller.shot("controller-signed");
  await vote([await as("morag"), await as("iain"), await as("priya")], project, "Approve");
  const fergus = await as("fergus");
  await toProject(fergus);
  await fergus.press("Approve");
  await fergus.see("It is approved");
  const catriona = await as("catriona");
  await catriona.shot("coordinator-worklist");
  await toProject(catriona);
  await catriona.press("Record the papers");
  for (const label of await labels(catriona, /^Reference of the/)) await catriona.fill(label, "On file");
  for (const name of await catriona.page.locator("input[name$='-day']").evaluateAll((all) => all.map((field) => field.id))) {
    await date(catriona, name, [31, 12, 2028]);
  }
  await catriona.shot("coordinator-papers");
  await catriona.press("Put the project in force");
  await catriona.see("The project is in force");

  // The indexing desk is another place.
  const struan = await as("struan", ask.indexing);
  await struan.go("/indexing");
  await struan.follow(`Index records for ${TITLE}`);
  await struan.shot("indexing");
  await struan.press("Index the records");
  await struan.see("The records are indexed");

  // The data steward cuts the extract and opens the workspace.
  const ailsa = await as("ailsa");
  await toProject(ailsa);
  await ailsa.press("Order the extract");
  await ailsa.see("The extract is cut and sealed");
  await ailsa.act(ailsa.page.getByRole("button", { name: /^Open a workspace/ }).first());
  await ailsa.see("The workspace is open");
  await ailsa.shot("steward-extract");

  // Rowan asks for people by hospital and puts the result before output checkers.
  await rowan.go(project);
  await rowan.act(rowan.page.getByRole("link", { name: /^Work in / }).first());
  if (ask.mode === "keyboard") await morning(rowan);
  await rowan.fill("Statement", STATEMENT);
  await run(rowan);
  await rowan.see("Checked result");
  await rowan.shot("workspace-result");
  await rowan.fill("What does it show?", "How many people each hospital admitted.");
  await rowan.fill("Why is it safe?", "Whole hospitals; small ones are left out.");
  await rowan.press("Keep the result and check it");
  await rowan.shot("output-verdict");
  output = new URL(rowan.page.url()).pathname;
  await rowan.act(rowan.page.getByRole("button", { name: /^Submit the (table as it is|treated table)$/ }).first());

  // Two output checkers, blind.
  for (const name of ["zofia", "hamish"]) {
    const checker = await as(name);
    await checker.follow("Outputs");
    await checker.shot(`checker-queue-${name}`);
    await checker.go(output);
    await checker.shot(`checker-table-${name}`);
    await checker.check("Approve");
    await checker.press("Record my vote");
  }
  const zofia = await as("zofia");
  await zofia.go(output);
  await zofia.press("Release the reviewed bytes");
  await zofia.shot("released");

  // Rowan downloads it, once.
  await rowan.go(output);
  const download = rowan.page.waitForEvent("download");
  const button = rowan.page.getByRole("button", { name: "Download the released table, once" });
  if (rowan.keyboard) {
    await rowan.tabTo(button);
    await rowan.page.keyboard.press("Enter");
  } else {
    await button.click();
  }
  const file = await (await download).createReadStream();
  let table = "";
  for await (const part of file) table += part;
  if (!table.startsWith("hospital,people\n")) rowan.faults.push(`the released table begins ${JSON.stringify(table.slice(0, 40))}`);

  // The auditor verifies; the administrator sees people; everybody sees the register.
  const jean = await as("jean");
  await jean.follow("Log");
  await jean.shot("auditor-log");
  await jean.go("/log/verify");
  await jean.shot("auditor-verify");
  await jean.go("/posture");
  await jean.shot("auditor-posture");
  await jean.go(`${project}/history`);
  const ada = await as("ada");
  await ada.follow("People");
  await ada.shot("administrator-people");
  await ada.follow("Your account");
  await visitor.go("/register");
  await visitor.see(TITLE);
  // A refusal says what, why and what next.
  await ada.go("/log");
  for (const id of ["why", "next"]) {
    if (!(await ada.page.locator(`#${id}`).innerText())) ada.faults.push(`a refusal does not say ${id}`);
  }
  await ada.shot("refusal");
} catch (error) {
  const last = people.at(-1);
  const text = last ? (await last.page.locator("main").innerText().catch(() => "")).slice(0, 600) : "";
  people.push({ count: { pages: 0, fields: 0, keystrokes: 0 }, faults: [`${error.message}\nat ${last?.page.url()}\n${text}\n${error.stack}`] });
}
await chromium.close();
const sum = (what) => people.reduce((total, person) => total + person.count[what], 0);
const faults = people.flatMap((person) => person.faults);
console.log(JSON.stringify({ mode: ask.mode, pages: sum("pages"), fields: sum("fields"), keystrokes: sum("keystrokes"), people: people.length, checked: checked.size, faults }));
process.exit(faults.length === 0 ? 0 : 1);

async function labels(person, pattern) {
  const all = await person.page.locator("label").allInnerTexts();
  return all.filter((text) => pattern.test(text));
}

// Whichever of them answers for the dataset.
async function signs(...names) {
  for (const name of names) {
    const controller = await as(name);
    await controller.page.goto(project);
    const button = controller.page.getByRole("button", { name: /^Sign for / }).first();
    if (await button.count()) {
      await controller.arrived();
      await controller.shot("controller-signs");
      await controller.act(button);
      return controller;
    }
  }
  throw new Error("no controller is asked to sign");
}

// With scripts the result comes into the page; without them the page comes back with it.
async function run(person) {
  const button = person.page.getByRole("button", { name: "Run", exact: true });
  if (ask.mode === "plain") {
    await person.act(button);
    return;
  }
  person.count.keystrokes += 1;
  if (person.keyboard) {
    await person.tabTo(button);
    await person.page.keyboard.press("Enter");
  } else {
    await button.click();
  }
  await person.page.locator("#result [data-focus]").waitFor({ timeout: 60000 });
  const focused = await person.page.evaluate(() => document.activeElement?.hasAttribute("data-focus"));
  if (!focused) person.faults.push("focus does not follow the result");
  await person.arrived();
}
