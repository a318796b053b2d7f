// Makes what is committed in dist/: node build.mjs [OUT]. See docs/playground.md.
//   playground.html     the page without its networks: everything is in this one file, the script as
//                       a classic one that loads nothing
//   NAME.js, page.css   the demos' pages, whose numbers come from their server
//   product.wasm        src/product.wat, assembled: the page has it in its script, the tests read it

import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import loadAssembler from "wabt";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2] ?? `${here}dist`;
const served = ["gate_microscope", "latent_studio"];

const assembler = await loadAssembler();
const source = await readFile(`${here}src/product.wat`, "utf-8");
const { buffer: kernel } = assembler.parseWat("product.wat", source, { simd: true }).toBinary({});
const wat = {
  name: "wat",
  setup: ({ onLoad }) => onLoad({ filter: /\.wat$/ }, () => ({ contents: kernel, loader: "binary" })),
};

const bundle = async (name, options) => {
  const { outputFiles } = await build({
    entryPoints: [`${here}src/${name}`],
    absWorkingDir: here,
    bundle: true,
    minify: true,
    legalComments: "none",
    charset: "utf8",
    plugins: [wat],
    write: false,
    ...options,
  });
  return outputFiles[0].text.trim();
};
// Of the packages that end up in a script: their licences ask for it.
const notices = { latent_studio: await readFile(`${here}node_modules/uqr/LICENSE`, "utf-8") };
const scriptOf = (name, options) => bundle(name, { format: "iife", target: "es2020", ...options });

const style = await bundle("style.css", { target: ["chrome100", "firefox100", "safari15"] });
const script = await scriptOf("page.js");
const page = (await readFile(`${here}src/page.html`, "utf-8"))
  .replace("/* style */", () => style)
  .replace("/* script */", () => script.replaceAll("</script", "<\\/script"));
await mkdir(out, { recursive: true });
await writeFile(`${out}/playground.html`, page);
await writeFile(`${out}/product.wasm`, kernel);
await writeFile(`${out}/page.css`, `${style}\n`);
for (const name of served) {
  await writeFile(`${out}/${name}.js`, `${await scriptOf(`served/${name}.js`, { globalName: "part" })}\n${notices[name] ? `/* uqr, which draws the QR code:\n\n${notices[name]}*/\n` : ""}`);
}
