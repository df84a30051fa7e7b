// Bundles the scripts and styles into the pages' static folder, each also compressed, so that the hub never has to.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const target = new URL("../src/margelle/serve/pages/static/", import.meta.url);

for (const old of readdirSync(target).filter((name) => /\.(js|css)(\.(br|gz))?$|\.LICENSE\.txt$/.test(name)))
  rmSync(new URL(old, target));

const { metafile } = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["src/margelle.ts", "src/swaps.ts", "src/chart.ts", "src/worker.ts", "css/margelle.css"],
  outdir: "../src/margelle/serve/pages/static",
  entryNames: "[name]",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"], // the first with light-dark(), or soon after
  external: ["*.woff2"], // they lie there already
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

for (const name of Object.keys(metafile.outputs).map((path) => path.split("/").at(-1))) {
  const content = readFileSync(new URL(name, target));
  writeFileSync(new URL(`${name}.gz`, target), gzipSync(content, { level: 9 }));
  writeFileSync(
    new URL(`${name}.br`, target),
    brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  );
}

// What others wrote goes with its licence.
for (const name of Object.keys(JSON.parse(readFileSync(new URL("package.json", import.meta.url))).dependencies)) {
  copyFileSync(new URL(`node_modules/${name}/LICENSE`, import.meta.url), new URL(`${name}.LICENSE.txt`, target));
}
