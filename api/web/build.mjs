// Bundles src/ into static/vendor/, which git ignores and the wheel carries. Each page has an entry of its own; what they
// share, and the chart library, become chunks whose names hold their content's hash. Text is stored compressed, too.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const outdir = "static/vendor";
const common = { outdir, bundle: true, minify: true, target: "es2022", legalComments: "linked", logLevel: "warning" };
await rm(outdir, { recursive: true, force: true });
await build({
  ...common,
  // runs before the first paint, so it is no module
  entryPoints: { theme: "src/theme.ts", style: "src/style.css" },
  format: "iife",
  // one file name for each font: the style sheet is what carries the version
  assetNames: "[name]",
  loader: { ".woff2": "file" },
});
await build({
  ...common,
  // one line for each page with a script
  entryPoints: {
    app: "src/app.ts",
    audits: "src/audits.ts",
    campaign: "src/campaign.ts",
    floor: "src/floor.ts",
    recording: "src/recording.ts",
    report: "src/report.ts",
  },
  format: "esm",
  splitting: true,
  chunkNames: "chunk-[hash]",
});
for (const name of await readdir(outdir)) {
  if (!/\.(js|css|txt)$/.test(name)) continue;
  const content = await readFile(`${outdir}/${name}`);
  await writeFile(`${outdir}/${name}.gz`, gzipSync(content, { level: 9 }));
  await writeFile(`${outdir}/${name}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}
