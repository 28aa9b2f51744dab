// Lists an object's records and says how fast: `node list.mjs COMPONENT OBJECT BASE-URL`, the key in API_KEY. It is for
// a provider on this machine: the limits are off.

import { Connection, Connector } from './host.mjs';

const [component, object, baseUrl] = process.argv.slice(2);
const connector = await Connector.load(component);
const connection = new Connection(connector, {
  operator: { 'base-url': baseUrl }, secrets: { 'api-key': process.env.API_KEY }, allowPrivate: true, limits: false,
});
const begun = performance.now();
let count = 0;
for await (const record of connection.list(object)) count += record.id ? 1 : 0;
console.log(`${count} records, ${Math.round(count / (performance.now() - begun) * 1_000)} records/s`);
await connector.close();
