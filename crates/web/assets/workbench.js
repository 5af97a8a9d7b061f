// The workspace's page works without this file. With it: an editor in place of the text area, pages and hidden
// columns in a result. Nothing here sends or keeps anything.
const PAGE_COLUMNS_MIN = 3;

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "govuk-button govuk-button--secondary govuk-!-margin-right-2";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

// A long table in pages. Every row is in the document already; row numbers stay what they are.
function pages(table, before) {
  const rows = [...table.tBodies[0].rows];
  const size = Number(table.dataset.pages);
  if (rows.length <= size) return;
  const nav = document.createElement("nav");
  nav.setAttribute("aria-label", "Pages of the result");
  const said = document.createElement("p");
  said.className = "govuk-body";
  said.setAttribute("role", "status");
  let first = 0;
  const show = (from) => {
    first = Math.max(0, Math.min(from, Math.floor((rows.length - 1) / size) * size));
    rows.forEach((row, at) => (row.hidden = at < first || at >= first + size));
    said.textContent = `Rows ${first + 1} to ${Math.min(first + size, rows.length)} of ${rows.length}`;
  };
  nav.append(said, button("Previous rows", () => show(first - size)), button("Next rows", () => show(first + size)));
  before.before(nav);
  show(0);
}

// A box for each column; one that is not ticked is hidden.
function columns(table, before) {
  const heads = [...table.tHead.rows[0].cells].slice(1);
  if (heads.length < PAGE_COLUMNS_MIN) return;
  const details = document.createElement("details");
  details.className = "govuk-details";
  const summary = document.createElement("summary");
  summary.className = "govuk-details__summary";
  const text = document.createElement("span");
  text.className = "govuk-details__summary-text";
  text.textContent = "Columns";
  summary.append(text);
  const set = document.createElement("fieldset");
  set.className = "govuk-fieldset govuk-details__text";
  const legend = document.createElement("legend");
  legend.className = "govuk-fieldset__legend";
  legend.textContent = "Shown columns";
  set.append(legend);
  heads.forEach((head, at) => {
    const item = document.createElement("div");
    item.className = "govuk-checkboxes__item govuk-checkboxes--small";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.className = "govuk-checkboxes__input";
    box.id = `column-${at}`;
    const label = document.createElement("label");
    label.className = "govuk-label govuk-checkboxes__label";
    label.htmlFor = box.id;
    label.textContent = head.textContent;
    box.addEventListener("change", () => {
      for (const row of table.rows) row.cells[at + 1].hidden = !box.checked;
    });
    item.append(box, label);
    set.append(item);
  });
  details.append(summary, set);
  before.before(details);
}

export function furnish(place) {
  for (const table of place.querySelectorAll("table[data-pages]")) {
    const before = table.closest(".strongroom-beside") ?? table;
    columns(table, before);
    pages(table, before);
  }
}

export async function workbench(form) {
  furnish(document);
  const area = form.querySelector("textarea");
  const part = form.querySelector("input[name=part]");
  const select = form.querySelector("button[data-selection]");
  const { edit } = await import("/assets/editor.min.js");
  const run = () => form.requestSubmit(form.querySelector("button[type=submit]"));
  const editor = edit(area, JSON.parse(form.dataset.schema), run);
  select.hidden = false;
  // Before htmx reads the form.
  form.addEventListener(
    "submit",
    (event) => (part.value = event.submitter === select ? editor.selection() : ""),
    { capture: true },
  );
}
