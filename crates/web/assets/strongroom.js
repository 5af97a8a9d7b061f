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
});
