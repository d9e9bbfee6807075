// What the browser downloads for a conversation, and of parts for other pages, against what it was when somebody last
// looked: fails when the wasm, the js, the css, their sum or the parts grow by more than a tenth. Growth that is meant: node end2end/size-budget.mjs --update

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const pkg = path.resolve(here, "../target/site/pkg");
const baselineFile = path.join(here, "size-budget.json");
/** What a website's page loads of the widget before anybody opens it. */
const loader = path.resolve(here, "../public/widget.js");
/** In bytes, gzip. */
const LOADER_BAR = 3072;
const KINDS = ["wasm", "js", "css"];
const GROWTH = 1.1;
/** The bar of the first load: wasm, js and css together, brotli 11. */
const BAR = 250 * 1000;

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;

/** What is loaded when a page of it is first shown, and the script that loads it: src/ui/part.rs. */
const isPart = (file) => /^(split_|chunk_|__wasm_split)/.test(path.basename(file));

const now = Object.fromEntries([...KINDS, "total", "parts"].map((kind) => [kind, { raw: 0, brotli: 0 }]));
for (const file of readdirSync(pkg, { recursive: true })) {
  const kind = path.extname(file).slice(1);
  if (!KINDS.includes(kind)) continue;
  const bytes = readFileSync(path.join(pkg, file));
  const size = { raw: bytes.length, brotli: brotli(bytes) };
  for (const row of isPart(file) ? [now.parts] : [now[kind], now.total]) {
    row.raw += size.raw;
    row.brotli += size.brotli;
  }
}
if (now.wasm.raw === 0 || now.parts.raw === 0) {
  console.error(`There is no wasm in ${pkg}, or none in parts: run make build first.`);
  process.exit(1);
}

if (process.argv.includes("--update")) {
  writeFileSync(baselineFile, JSON.stringify(now, null, 2) + "\n");
  console.log(`Written to ${path.basename(baselineFile)}.`);
}

const before = JSON.parse(readFileSync(baselineFile, "utf8"));
const grown = [];
console.log("            raw    brotli 11   was (brotli)   change");
for (const [kind, size] of Object.entries(now)) {
  const was = before[kind];
  const change = ((size.brotli / was.brotli - 1) * 100).toFixed(1);
  console.log(
    `${kind.padEnd(5)} ${String(size.raw).padStart(9)} ${String(size.brotli).padStart(12)} ${String(was.brotli).padStart(14)} ${change.padStart(7)} %`,
  );
  for (const how of ["raw", "brotli"]) {
    if (size[how] > was[how] * GROWTH) grown.push(`${kind}, ${how}: ${was[how]} → ${size[how]}`);
  }
}
const bar = now.total.brotli <= BAR ? "within" : "ABOVE";
console.log(`First load ${(now.total.brotli / 1000).toFixed(1)} KB brotli: ${bar} the bar of ${BAR / 1000} KB.`);

const loaded = gzipSync(readFileSync(loader)).length;
console.log(`The widget's loader: ${loaded} bytes gzip, of ${LOADER_BAR}.`);
if (loaded > LOADER_BAR) grown.push(`the widget's loader, gzip: ${LOADER_BAR} → ${loaded}`);

if (grown.length > 0) {
  console.error(`\nGrown by more than ${Math.round((GROWTH - 1) * 100)} %:\n  ${grown.join("\n  ")}`);
  console.error("Find what did it (twiggy helps), or record it: node end2end/size-budget.mjs --update");
  process.exit(1);
}
