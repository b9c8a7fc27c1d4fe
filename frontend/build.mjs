// Builds the site from the compiled frontend and the style: target/site, which a server can read as a folder, and target/site.rs,
// which is included in a server with the feature `embed-site`.
//
//   node frontend/build.mjs COMPILED.wasm BINDGEN
//
// COMPILED.wasm is the output of `cargo build` for wasm32, BINDGEN the program in frontend/bindgen.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { transformSync } from 'esbuild';
import { bundle } from 'lightningcss';

const [compiled, bindgen] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const target = join(root, 'target');
const work = join(target, 'front', 'site');
const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8');

rmSync(work, { recursive: true, force: true });
mkdirSync(join(work, 'pkg'), { recursive: true });

const { script, wasm } = scripts();
const style = styles();
// One hash for all three, since they belong together. Leptos appends the extensions to this name.
const output = `vestibule.${hash(Buffer.concat([script, wasm, style]))}`;
const files = [
  { path: `/pkg/${output}.js`, content: script },
  { path: `/pkg/${output}_bg.wasm`, content: wasm },
  { path: `/pkg/${output}.css`, content: style },
  ...assets(),
];
for (const file of files) {
  compress(file);
}
writeFileSync(join(work, 'site.rs'), rust());
rmSync(join(target, 'site'), { recursive: true, force: true });
renameSync(join(work, 'site.rs'), join(target, 'site.rs'));
renameSync(work, join(target, 'site'));

// Returns the module and the wasm, both minified.
function scripts() {
  const folder = join(target, 'front', 'bindgen');
  rmSync(folder, { recursive: true, force: true });
  execFileSync(bindgen, [compiled, folder, 'vestibule'], { stdio: 'inherit' });
  if (readdirSync(folder).length !== 2) {
    throw new Error(`wasm-bindgen wrote more than a script and a wasm into ${folder}: the site has no place for it`);
  }
  const optimised = join(folder, 'optimised.wasm');
  const wasmOpt = join(here, 'node_modules', '.bin', 'wasm-opt');
  const features = ['--enable-bulk-memory', '--enable-nontrapping-float-to-int'];
  execFileSync(wasmOpt, ['-Oz', ...features, join(folder, 'vestibule_bg.wasm'), '-o', optimised], {
    stdio: 'inherit',
    env: { ...process.env, BINARYEN_CORES: String(availableParallelism()) },
  });
  const module = readFileSync(join(folder, 'vestibule.js'), 'utf8');
  return {
    script: Buffer.from(transformSync(module, { minify: true, format: 'esm', target: 'es2022' }).code),
    wasm: readFileSync(optimised),
  };
}

// Returns style/main.css and its imports as one minified file, for the browsers in Cargo.toml.
function styles() {
  const { code } = bundle({ filename: join(root, 'style', 'main.css'), minify: true, targets: browsers() });
  return Buffer.from(code);
}

function browsers() {
  const [, query] = manifest.match(/^browserquery = "(.+)"$/m);
  return Object.fromEntries(
    query.split(',').map((clause) => {
      const [, name, major, minor] = clause.trim().match(/^(\w+) >= (\d+)(?:\.(\d+))?$/);
      return [name, (Number(major) << 16) | (Number(minor ?? 0) << 8)];
    }),
  );
}

function assets() {
  const folder = join(root, 'style', 'assets');
  return readdirSync(folder).map((name) => ({ path: `/${name}`, content: readFileSync(join(folder, name)) }));
}

// Writes a file and its compressed variants, and records those that are smaller.
function compress(file) {
  writeFileSync(join(work, file.path), file.content);
  const brotli = brotliCompressSync(file.content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: file.content.length,
    },
  });
  file.variants = [
    { field: 'brotli', suffix: '.br', content: brotli },
    { field: 'gzip', suffix: '.gz', content: gzipSync(file.content, { level: 9 }) },
  ].filter(({ content }) => content.length < file.content.length);
  for (const { suffix, content } of file.variants) {
    writeFileSync(join(work, `${file.path}${suffix}`), content);
  }
}

function rust() {
  const entries = files.map(({ path, content, variants }) => {
    const bytes = (suffix) => `include_bytes!("site${path}${suffix}")`;
    const variant = (field) => {
      const found = variants.find((variant) => variant.field === field);
      return found ? `Some(${bytes(found.suffix)})` : 'None';
    };
    return `        server::site::EmbeddedFile {
            path: "${path}",
            etag: "\\"${hash(content)}\\"",
            identity: ${bytes('')},
            brotli: ${variant('brotli')},
            gzip: ${variant('gzip')},
        },`;
  });
  return `server::site::EmbeddedSite {
    output_name: "${output}",
    files: &[
${entries.join('\n')}
    ],
}
`;
}

function hash(content) {
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}
