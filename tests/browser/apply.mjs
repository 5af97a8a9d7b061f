// An application, typed in by its author; every browser test needs one.

export const STATEMENT = "select hospital, count(distinct person) as people from hospital_episodes group by hospital order by hospital";

// Three fields of one date.
export async function date(person, name, [day, month, year]) {
  for (const [id, value] of [[name, day], [`${name}-month`, month], [`${name}-year`, year]]) {
    const field = person.page.locator(`[id="${id}"]`);
    person.count.fields += 1;
    person.count.keystrokes += String(value).length;
    if (person.keyboard) {
      await person.tabTo(field);
      await person.page.keyboard.press("Control+A");
      await person.page.keyboard.type(String(value));
    } else {
      await field.fill(String(value));
    }
  }
}

// Starts an application and fills in every section. Gives the project's path; the sections are on the page.
export async function apply(person, title, others) {
  await person.follow("Projects");
  await person.press("Start an application");
  const project = new URL(person.page.url()).pathname.match(/\/projects\/[^/]+/)[0];
  await person.go(`${project}/application/projects`);
  await person.fill("Title", title);
  // Drafts are saved even when they are not finished.
  await person.press("Save and go back to the sections");
  await person.see("Still missing");
  await person.shot("application-sections");
  await person.follow("Safe projects");
  await person.fill("Title", title);
  await person.fill("Lay summary", "How many people each hospital admits, so that beds are where they are needed.");
  await person.fill("Public benefit", "Beds and staff go where most people need them.");
  await date(person, "start", [1, 1, 2026]);
  await date(person, "end", [31, 12, 2027]);
  await person.check("No");
  await person.press("Save and go back to the sections");
  await person.follow("Safe people");
  if (others) await person.fill("Others on the project", others);
  await person.press("Save and go back to the sections");
  await person.follow("Safe data");
  await person.check("Hospital episodes");
  await person.press("Save and go on to the variables");
  if (!/\/data\/dst_/.test(person.page.url())) await person.follow("Variables of Hospital episodes");
  await person.check("hospital");
  await person.fill("Why do you need hospital?", "The question is about hospitals");
  await person.shot("application-variables");
  await person.press("Save");
  await person.go(`${project}/application/outputs`);
  await person.fill("Smallest number of people behind a released number", "10");
  await person.fill("Which results do you plan to release?", "People by hospital");
  await person.fill("What keeps them safe?", "Counts of people, nothing by small area");
  await person.press("Save and go back to the sections");
  return project;
}

// The form of the author's application, sent in.
export async function submit(person) {
  await person.press("Check your answers");
  await person.shot("application-check");
  await person.press("Submit the application");
  await person.see("frozen and hashed");
}

// Votes of panel members, each for the same.
export async function vote(members, project, verdict) {
  for (const [nth, member] of members.entries()) {
    await member.go(project);
    if (nth === 0) await member.shot("panel-reads");
    await member.press("Vote on this application");
    await member.check(verdict);
    if (nth === 0) await member.shot("panel-vote");
    await member.press("Record my vote");
    await member.see("Your vote is recorded");
  }
}
