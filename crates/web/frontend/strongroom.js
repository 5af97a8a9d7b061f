// Everything works without this file. With it: GOV.UK Frontend's helpers, and focus that follows what htmx
// puts in place, so that a screen reader hears of it.
import { initAll } from "/assets/govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

document.addEventListener("htmx:after:swap", (event) => {
  // The event comes from the form; what changed is its target, unless a whole page took its place.
  const target = event.detail?.ctx?.target;
  const place = target instanceof Element && target.isConnected ? target : document.body;
  const heading = place.querySelector("[data-focus]");
  if (heading instanceof HTMLElement) {
    heading.setAttribute("tabindex", "-1");
    heading.focus();
  }
  if (bench) import("/assets/workbench.js").then(({ furnish }) => furnish(place));
});

const bench = document.querySelector("form[data-schema]");
if (bench) import("/assets/workbench.js").then(({ workbench }) => workbench(bench));

// While a statement runs, the page says how far it is and offers to cancel it. Nothing is asked when none
// runs: a page that asks would keep a session alive that nobody uses.
for (const form of document.querySelectorAll("form[data-running]")) {
  form.addEventListener("submit", () => {
    const look = () => {
      if (!form.classList.contains("htmx-request")) {
        document.querySelector("#running")?.replaceChildren();
        return;
      }
      htmx.ajax("GET", form.dataset.running, { target: "#running", swap: "innerHTML" });
      setTimeout(look, 2000);
    };
    setTimeout(look, 1000);
  });
}
