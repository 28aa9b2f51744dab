// Writes what jco makes of a component: `node transpile.mjs COMPONENT FOLDER`.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { transpile } from '../../examples/hosts/node/host.mjs';

const [component, folder] = process.argv.slice(2);
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const [name, bytes] of Object.entries(await transpile(await readFile(component)))) {
  if (name.endsWith('.js') || name.endsWith('.wasm')) await writeFile(join(folder, name), bytes);
}
