// node build.mjs: writes ../assets from the packages that package-lock.json pins.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";
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
for (const own of ["strongroom.js", "workbench.js"]) copyFileSync(new URL(own, import.meta.url), new URL(own, out));
copyFileSync(module("htmx.org/LICENSE"), new URL("htmx.LICENSE.txt", out));

// `codemirror@^6` resolves to 6.65, which is CodeMirror 5 under another name: the lock must hold 6.0.2.
const packages = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url), "utf8")).packages;
if (packages["node_modules/codemirror"].version !== "6.0.2") throw new Error("codemirror must be 6.0.2");
const made = buildSync({
  entryPoints: [new URL("editor.mjs", import.meta.url).pathname],
  outfile: new URL("editor.min.js", out).pathname,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
});
// What is in the bundle, and under which licence it may be.
const inside = new Set();
for (const input of Object.keys(made.metafile.inputs)) {
  const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
  if (found) inside.add(found[1]);
}
const notice = [...inside].sort().map((name) => {
  const { version, license, integrity } = packages[`node_modules/${name}`];
  if (license !== "MIT") throw new Error(`${name} is under ${license}`);
  return `${name} ${version}\n${integrity}\n\n${readFileSync(module(`${name}/LICENSE`), "utf8").trim()}\n`;
});
writeFileSync(new URL("editor.LICENSE.txt", out), `editor.min.js is made of these packages by build.mjs.\n\n${notice.join("\n----\n\n")}`);
