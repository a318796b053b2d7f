// Makes dist/playground.html, the page without its networks: node build.mjs [OUT].
// Everything is in this one file, the script as a classic one that loads nothing.

import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? `${here}/dist/playground.html`;

const bundle = async (name, options) => {
  const { outputFiles } = await build({
    entryPoints: [`${here}/src/${name}`],
    absWorkingDir: here,
    bundle: true,
    minify: true,
    legalComments: "none",
    charset: "utf8",
    write: false,
    ...options,
  });
  return outputFiles[0].text.trim();
};

const script = await bundle("page.js", { format: "iife", target: "es2020" });
const style = await bundle("style.css", { target: ["chrome100", "firefox100", "safari15"] });
const page = (await readFile(`${here}/src/page.html`, "utf-8"))
  .replace("/* style */", () => style)
  .replace("/* script */", () => script.replaceAll("</script", "<\\/script"));
await mkdir(dirname(out), { recursive: true });
await writeFile(out, page);
