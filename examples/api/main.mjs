// Connects with a key, creates a tracking, and waits for the change that tells of it. Node 20, no packages.
//
//   AFTERSHIP_API_KEY=asat_... node main.mjs 1Z12345E0205271688 ups
//
// API_URL, API_TOKEN, CONNECTION, BASE_URL: see README.md.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const { AFTERSHIP_API_KEY: key, API_TOKEN: token, BASE_URL: base } = process.env;
const api = process.env.API_URL ?? 'http://127.0.0.1:8081';
const connection = process.env.CONNECTION ?? 'example';
const [number = '1Z12345E0205271688', slug = 'ups'] = process.argv.slice(2);
const TRIES = 5;

/** A problem (RFC 9457). `kind` says what to do; `next` says it to people. */
class Problem extends Error {
  constructor(problem) {
    super([`${problem.kind} (${problem.source}): ${problem.detail}`, problem.next].filter(Boolean).join('\nnext: '));
    Object.assign(this, problem);
  }
}

const headers = (more) => ({ ...(token && { Authorization: `Bearer ${token}` }), ...more });

/**
 * The answer to a request. A write has one key for all its tries, so it is done once however often it is sent;
 * what may come again later is tried again after the time that the API names.
 */
async function call(method, path, body) {
  const own = headers({ 'Idempotency-Key': randomUUID(), ...(body && { 'Content-Type': 'application/json' }) });
  for (let tried = 1; ; tried++) {
    let wait = tried;
    try {
      const signal = AbortSignal.timeout(120_000);
      const answer = await fetch(api + path, { method, headers: own, body: body && JSON.stringify(body), signal });
      if (answer.ok) return answer.status === 204 ? null : await answer.json();
      const problem = new Problem(await answer.json());
      if (!['unavailable', 'rate-limited'].includes(problem.kind) || tried === TRIES) throw problem;
      wait = Number(answer.headers.get('retry-after') ?? tried);
    } catch (why) {
      // No answer: with its key it may be sent again.
      if (why instanceof Problem || tried === TRIES) throw why;
    }
    await sleep(wait * 1_000);
  }
}

/** Changes of a connection, without end. After a cut, the last event's id goes on where it was. */
async function* changes(object) {
  let last;
  for (let failed = 0; ; ) {
    try {
      const path = `/v1/changes?connection=${encodeURIComponent(connection)}&object=${object}`;
      const own = headers({ Accept: 'text/event-stream', ...(last && { 'Last-Event-ID': last }) });
      const answer = await fetch(api + path, { headers: own });
      if (!answer.ok) throw new Problem(await answer.json());
      let text = '';
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
        text += piece;
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const event = { data: '' };
          for (const line of text.slice(0, end).split('\n')) {
            const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
            if (name === 'data') event.data += value;
            else if (name) event[name] = value;
          }
          if (event.id) last = event.id;
          if (event.data) yield { event: event.event, ...JSON.parse(event.data) };
          failed = 0;
        }
      }
    } catch (why) {
      if (why instanceof Problem && why.kind !== 'unavailable') throw why;
      if (++failed === TRIES) throw why;
    }
    await sleep(1_000);
  }
}

async function main() {
  const settings = base ? { 'base-url': base } : {};
  try {
    await call('POST', '/v1/connections', { name: connection, secrets: { 'api-key': key }, settings });
  } catch (why) {
    if (why.kind !== 'conflict') throw why; // it is there already
  }
  console.log(`connected ${connection}`);

  const path = `/v1/connections/${encodeURIComponent(connection)}`;
  let id;
  try {
    ({ id } = await call('POST', `${path}/objects/trackings/records`, { tracking_number: number, slug }));
  } catch (why) {
    if (why.kind !== 'conflict' || !why.existing) throw why;
    id = why.existing; // AfterShip has it already
  }
  console.log(`created ${id}`);

  // The change comes with the next delivery or scan; this asks for a scan now.
  await call('POST', `${path}/sync`, { objects: ['trackings'] });
  for await (const change of changes('trackings')) {
    if (change.id === id) {
      console.log(`changed ${id}: ${change.kind}`);
      return;
    }
  }
}

main().then(
  () => process.exit(0),
  (why) => {
    console.error(why.message);
    for (const violation of why.violations ?? []) console.error(' ', JSON.stringify(violation));
    process.exit(1);
  },
);
