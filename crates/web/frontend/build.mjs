// node build.mjs: writes ../assets from the packages that package-lock.json pins.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as sass from "sass";

const out = new URL("../assets/", import.meta.url);
mkdirSync(out, { recursive: true });
const css = sass.compile(new URL("theme.scss", import.meta.url).pathname, {
  loadPaths: [new URL("node_modules", import.meta.url).pathname],
  style: "compressed",
  quietDeps: true,
}).css.replaceAll('url("/assets/images/govuk-crest.svg")', "none");
for (const forbidden of ["GDS Transport", "@font-face", "@import", "url("]) {
  if (css.includes(forbidden)) throw new Error(`the stylesheet holds ${forbidden}`);
}
writeFileSync(new URL("strongroom.css", out), css + "\n");
const module = (name) => new URL(`node_modules/${name}`, import.meta.url);
const bare = (from, to) => {
  const text = readFileSync(module(from), "utf8").replace(/\n?\/\/# sourceMappingURL=.*\n?$/, "\n");
  writeFileSync(new URL(to, out), text);
};
bare("govuk-frontend/dist/govuk/govuk-frontend.min.js", "govuk-frontend.min.js");
bare("htmx.org/dist/htmx.min.js", "htmx.min.js");
copyFileSync(new URL("govuk-frontend.LICENSE.txt", import.meta.url), new URL("govuk-frontend.LICENSE.txt", out));
copyFileSync(new URL("strongroom.js", import.meta.url), new URL("strongroom.js", out));
copyFileSync(module("htmx.org/LICENSE"), new URL("htmx.LICENSE.txt", out));
