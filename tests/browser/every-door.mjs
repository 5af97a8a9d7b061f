// Every page that anybody can reach, against axe: what the first ten minutes do not open is opened here, then
// everybody follows every link that they are shown. Run by tests/browser.rs, which compares the paths with the
// routes of the pages:
//   node every-door.mjs '{"base": …, "indexing": …, "password": …, "secret": …}'
// Prints one JSON line: the paths that were seen, how many different pages were checked, and every fault.
import { apply, submit, vote } from "./apply.mjs";
import { Person, browser } from "./lib.mjs";

const ask = JSON.parse(process.argv[2]);
const chromium = await browser();
const checked = new Set();
const paths = new Set();
const people = new Map();
const DESKS = {
  [ask.base]: [
    "ada", "catriona", "rowan", "corin", "morag", "fergus", "elspeth", "tam", "niamh", "lewis", "ailsa", "zofia", "jean",
  ],
  [ask.indexing]: ["struan"],
};

async function enter(name, base = ask.base) {
  const who = { name, password: ask.password, secret: ask.secret };
  const person = await Person.enter(chromium, base, who, { checked });
  person.page.on("framenavigated", (frame) => paths.add(new URL(frame.url()).pathname));
  people.set(name, person);
  return person;
}

async function as(name, base) {
  const known = people.get(name);
  if (known) {
    await known.go("/");
    return known;
  }
  const person = await enter(name, base);
  await person.signIn();
  return person;
}

// A new researcher: added, invited, joined.
async function newcomer(visitor) {
  const ada = await as("ada");
  await ada.follow("People");
  await ada.press("Add a person");
  await ada.press("Add the person");
  await ada.see("There is a problem");
  await ada.fill("Name", "Aileen Ross");
  await ada.fill("Organisation", "Example University");
  await ada.check("researcher");
  await ada.press("Add the person");
  const invitation = await ada.page.locator("#invitation").innerText();
  await visitor.join(invitation, "aileen", "wet stones by the shore");
}

// An indexing with a clerical review: pairs are chosen, judged, and left under review.
async function clerical(struan) {
  await struan.go("/indexing");
  const projects = struan.page.getByRole("table", { name: "Every project in force" });
  await struan.act(projects.getByRole("link").first());
  await struan.fill("Clerical review", "all");
  await struan.press("Index the records");
  await struan.see("There is a problem");
  await struan.fill("Clerical review", "25");
  await struan.press("Index the records");
  await struan.see("25 pairs under clerical review");
  await struan.act(struan.page.getByRole("link", { name: /clerical review/ }).first());
  await struan.press("Begin to judge");
  await struan.page.getByLabel("moved house").first().check();
  await struan.press("Save and go on");
  await struan.see("1 of 25");
}

// A budget is opened, a question priced and measured.
async function measure(rowan) {
  let controller;
  for (const name of ["elspeth", "tam"]) {
    controller = await as(name);
    await controller.follow("Catalogue");
    await controller.follow("Hospital episodes");
    await controller.follow("How much may be learnt of its people, and who has learnt what");
    if (await controller.page.getByRole("button", { name: "Open the budget" }).count()) break;
  }
  await controller.fill("One project may learn (rho)", "much");
  await controller.press("Open the budget");
  await controller.see("There is a problem");
  await controller.fill("All projects together may learn (rho)", "0.5");
  await controller.fill("One project may learn (rho)", "0.2");
  await controller.fill("One researcher may learn (rho)", "0.1");
  for (const whose of ["all projects together", "one project", "one researcher"]) {
    await controller.fill(`Delta of ${whose}`, "0.0000001");
  }
  await controller.press("Open the budget");
  await controller.see("Who has spent what");
  await rowan.act(rowan.page.getByRole("link", { name: "Measure instead" }));
  await rowan.page.getByText("Put a question together from fields").click();
  await rowan.fill("How much of it", "a little");
  await rowan.press("Write the question");
  await rowan.see("There is a problem");
  await rowan.page.locator("#budget").selectOption("accuracy");
  await rowan.fill("How much of it", "60");
  await rowan.press("Write the question");
  await rowan.press("What does it cost?");
  await rowan.see("Price in rho");
  await rowan.fill("Question", "{");
  await rowan.press("What does it cost?");
  await rowan.see("There is a problem");
  await rowan.fill("Question", JSON.stringify({ table: "hospital_episodes", statistics: ["people"], accuracy: 50 }));
  await rowan.press("What does it cost?");
  await rowan.see("Price in rho");
  await rowan.press("Measure and pay");
  await rowan.see("noise of a known size");
  await rowan.go(new URL(rowan.page.url()).pathname);
  await rowan.act(rowan.page.locator("a[href^='/measurements/']").first());
  return controller;
}

// Groups are found in the data: an output checker keeps one answer back and releases the other.
async function labels(rowan, workspace) {
  for (const rho of [0.04, 0.05]) {
    await rowan.go(`${workspace}/measure`);
    const request = { table: "hospital_episodes", group_by: [{ column: "area" }], statistics: ["people"], l0: 1, rho, delta: 1e-8 };
    await rowan.fill("Question", JSON.stringify(request));
    await rowan.press("What does it cost?");
    await rowan.see("Price in delta");
    await rowan.press("Measure and pay");
    await rowan.see("an output checker looks at their labels");
    const checker = await as("zofia");
    await checker.go("/");
    await checker.see("Look at the labels that were found");
    await checker.go("/outputs");
    await checker.act(checker.page.locator("a[href^='/measurements/']").first());
    const answer = new URL(checker.page.url()).pathname;
    if (rho === 0.05) {
      await checker.press("Release the answer");
      await checker.see("The answer is released.");
    } else {
      await checker.press("Keep it back");
      await checker.see("There is a problem");
      await checker.fill("Why it is kept back", "One of them is a single street.");
      await checker.press("Keep it back");
      await checker.see("The answer is kept back.");
    }
    await rowan.go(answer);
    await rowan.see(rho === 0.05 ? "noise of a known size" : "One of them is a single street.");
  }
}

// Counts of people are allowed, and one is asked for.
async function count(controller, rowan, story) {
  const page = new URL(controller.page.url()).pathname.replace(/\/budget$/, "/count");
  await controller.go(page);
  await controller.fill("Project whose extract answers", "mine");
  await controller.press("Allow counts");
  await controller.see("There is a problem");
  await controller.fill("Project whose extract answers", story.split("/").pop());
  await controller.press("Allow counts");
  await controller.see("Counts of people are allowed");
  await rowan.go(page);
  await rowan.page.locator("#column1").selectOption("hospital");
  await rowan.page.locator("#op1").selectOption("between");
  await rowan.page.locator("#value1").fill("one");
  await rowan.press("Count people");
  await rowan.see("There is a problem");
  await rowan.page.locator("#op1").selectOption("is_not_null");
  await rowan.press("Count people");
  await rowan.see("noise of a known size");
}

// An administrator asks for a recovery, a steward confirms it, both look, and the people of the project see it.
async function recover(rowan, workspace) {
  const ada = await as("ada");
  await ada.follow("Recoveries");
  await ada.press("Ask for it");
  await ada.see("There is a problem");
  await ada.fill("Workspace", workspace.split("/").pop());
  await ada.fill("Why?", "Corin left, and a statement of theirs is needed.");
  await ada.fill("Minutes", "30");
  await ada.press("Ask for it");
  await ada.see("Nothing is open until a second person confirms it");
  const recovery = new URL(ada.page.url()).pathname;
  const ailsa = await as("ailsa");
  await ailsa.go(recovery);
  await ailsa.press("Confirm and open it");
  await ailsa.press("Show what is saved there");
  await ailsa.see("Saved statements");
  await ada.go(recovery);
  await ada.press("Show what is saved there");
  await rowan.go(workspace);
  await rowan.see("Opened for recovery");
}

// While a statement runs, the page says so and stops it.
async function cancel(rowan) {
  const twice = "hospital_episodes a, hospital_episodes b, hospital_episodes c";
  await rowan.fill("Statement", `select a.hospital, count(distinct a.person) as people from ${twice} group by a.hospital`);
  await rowan.page.getByRole("button", { name: "Run", exact: true }).click();
  await rowan.see("Running now");
  checked.delete(`${new URL(rowan.page.url()).pathname} ${await rowan.page.title()}`);
  await rowan.arrived();
  await rowan.page.getByRole("button", { name: "Cancel this statement" }).first().click();
  await rowan.page.locator("#result [data-focus]").waitFor({ timeout: 60000 });
  await rowan.arrived();
}

// An application that is returned, changed, commented on and approved; its papers are still to be recorded.
async function returned(rowan) {
  const project = await apply(rowan, "Stays by hospital", "Corin, researcher on the same project");
  await submit(rowan);
  const members = [await as("morag"), await as("iain"), await as("priya")];
  await members[0].go(project);
  await members[0].act(members[0].page.getByRole("link", { name: /^Comment on / }).first());
  await members[0].fill("Your comment", "Which years are compared?");
  await members[0].page.getByRole("button", { name: /comment/i }).first().click();
  await members[0].page.waitForLoadState();
  await sign(project);
  await vote(members, project, "Return");
  const fergus = await as("fergus");
  await fergus.go(project);
  await fergus.press("Return to its author");
  await rowan.go(project);
  await rowan.act(rowan.page.getByRole("button", { name: "Edit and submit again" }));
  await rowan.follow("Safe projects");
  await rowan.fill("Title", "Stays by hospital, compared");
  await rowan.press("Save and go back to the sections");
  await submit(rowan);
  await rowan.go(project);
  await rowan.follow("What changed since the version before");
  await sign(project);
  await vote(members, project, "Approve");
  await fergus.go(project);
  await fergus.press("Approve");
}

async function sign(project) {
  for (const name of ["elspeth", "tam"]) {
    const controller = await as(name);
    await controller.go(project);
    const button = controller.page.getByRole("button", { name: /^Sign for / }).first();
    if (await button.count()) await controller.act(button);
  }
}

// Where numbers stand for any.
function shape(path) {
  return path.replace(/\/[a-z]{3}_[a-z0-9]+/g, "/ID").replace(/[0-9a-f]{64}/g, "HASH").replace(/\/\d+$/, "/N");
}

// What is downloaded or shown as bytes is no page.
const BYTES = /\.csv$|\/register\/checkpoint$|\/versions\/|\/log\/proof\//;

// Follows every link from these pages on, each shape of path once for each title that leads there.
async function everywhere(person, ...doors) {
  const seen = new Set();
  const queue = [...doors];
  while (queue.length > 0) {
    const path = queue.shift();
    await person.go(path);
    const links = await person.page.locator("a[href]").evaluateAll((all) =>
      all.filter((a) => a.origin === location.origin && !a.hasAttribute("download")).map((a) => a.pathname + a.search),
    );
    for (const link of links) {
      const key = shape(link.replace(/\?.*/, "")) + (link.includes("?") ? "?" : "");
      if (seen.has(key) || BYTES.test(link)) continue;
      seen.add(key);
      queue.push(link);
    }
  }
}

try {
  const visitor = await enter("visitor");
  for (const path of ["/", "/register", "/accessibility", "/sign-in"]) await visitor.go(path);
  await visitor.fill("Sign-in name", "nobody");
  await visitor.press("Sign in");
  await newcomer(visitor);
  const rowan = await as("rowan");
  // The project of the story, and its workspace.
  await rowan.follow("Projects");
  await rowan.act(rowan.page.locator("tr", { hasText: /in force/i }).getByRole("link").first());
  const story = new URL(rowan.page.url()).pathname;
  await rowan.act(rowan.page.getByRole("link", { name: /^Work in / }).first());
  const workspace = new URL(rowan.page.url()).pathname;
  await cancel(rowan);
  await rowan.go(workspace);
  await recover(rowan, workspace);
  const controller = await measure(rowan);
  await labels(rowan, workspace);
  await count(controller, await as("rowan"), story);
  await returned(await as("rowan"));
  await clerical(await as("struan", ask.indexing));
  const draft = await as("rowan");
  await apply(draft, "Never sent in");
  await draft.press("Check your answers");
  for (const [base, names] of Object.entries(DESKS)) {
    for (const name of names) {
      // The indexing desk has no such page; whoever may not see it sees the refusal.
      const doors = base === ask.base ? ["/", story] : ["/"];
      await everywhere(await as(name, base), ...doors);
    }
  }
} catch (error) {
  const where = [];
  for (const { page } of people.values()) {
    const text = await page.locator("main").innerText().catch(() => "");
    where.push(`at ${page.url()}: ${text.replaceAll("\n", " ").slice(0, 300)}`);
  }
  people.set("error", { faults: [`${error.stack}\n${where.join("\n")}`] });
}
await chromium.close();
const faults = [...people.values()].flatMap((person) => person.faults);
console.log(JSON.stringify({ paths: [...paths], checked: checked.size, faults }));
process.exit(faults.length === 0 ? 0 : 1);
