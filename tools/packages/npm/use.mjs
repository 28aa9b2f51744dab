// Lists trackings and creates one: npm install aftership-connector; AFTERSHIP_API_KEY=... node use.mjs
import { connect } from 'aftership-connector';

const connection = await connect({
  secrets: { 'api-key': process.env.AFTERSHIP_API_KEY ?? '' },
  // For the simulator alone; leave both out for AfterShip.
  ...(process.env.SIMULATOR ? { operator: { 'base-url': process.env.SIMULATOR }, allowPrivate: true } : {}),
});
for await (const tracking of connection.list('trackings')) {
  console.log('listed', JSON.parse(tracking.data).tracking_number);
}
const made = await connection.create('trackings', { tracking_number: '1Z12345E0205271688', slug: 'ups' });
console.log('created', made.tag === 'whole' ? made.val.id : made.val);
await connection.connector.close();
