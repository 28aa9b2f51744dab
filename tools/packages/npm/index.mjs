// AfterShip's connector with a host for it. What it may do, and what the host refuses, stands in the contract's HOSTS.md.

import { readFile, readdir } from 'node:fs/promises';

import { Connection, Connector } from './host.mjs';

export { CallError, Connection, Connector, Refused, receiver } from './host.mjs';

/** The connector, loaded: it serves any number of connections. */
export async function load(options) {
  const folder = new URL('./connector/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js') || name.endsWith('.wasm'));
  const files = await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder))]));
  return Connector.of(Object.fromEntries(files), options);
}

/** A connection of a connector of its own. */
export async function connect({ threads, memoryBytes, cpuMs, ...options } = {}) {
  return new Connection(await load({ threads, memoryBytes, cpuMs }), options);
}
