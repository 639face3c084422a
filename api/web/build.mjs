// Bundles src/ into static/vendor/, which git ignores and the wheel carries.
import { rm } from "node:fs/promises";
import { build } from "esbuild";

const outdir = "static/vendor";
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { app: "src/app.ts", theme: "src/theme.ts", style: "src/style.css" },
  outdir,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  // one file name for each font: the style sheet is what carries the version
  assetNames: "[name]",
  loader: { ".woff2": "file" },
  legalComments: "linked",
  logLevel: "warning",
});
