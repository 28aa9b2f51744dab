// This host under the host kit: a job a line in, a reply a line out (tests/host-kit/README.md).

import { createInterface } from 'node:readline';

import { CallError, Connection, Connector, Refused } from './host.mjs';

const loaded = new Map();

async function outcome(connection, asked) {
  const { object, id } = asked;
  switch (asked.call) {
    case 'get': return connection.get(object, id);
    case 'list': return { records: (await connection.page(object)).records };
    case 'scan': {
      const records = [];
      for await (const record of connection.list(object)) records.push(record);
      return { records };
    }
    case 'create': {
      const { tag, val } = await connection.create(object, asked.input);
      return { id: tag === 'whole' ? val.id : val };
    }
    case 'objects':
      try {
        return (await connection.call('discovery', 'objects', [])).value;
      } catch (why) {
        if (why.kind === 'unsupported') return [];
        throw why;
      }
    case 'describe': return { events: (await connection.call('catalog', 'describe', [object], { silent: 'describing' })).value.events };
    case 'derive': return { records: (await connection.derive([object], [{ id, data: asked.data }])).flat(2) };
    case 'complete': {
      const before = Object.keys(connection.secrets);
      const settings = await connection.complete(asked.session, asked.query);
      return { settings, secrets: Object.keys(connection.secrets).filter((name) => !before.includes(name)) };
    }
    case 'deliver': {
      const { status, headers, events } = await connection.deliver('POST', asked.url, Object.entries(asked.headers), Buffer.from(asked.body));
      return { status, headers: Object.fromEntries(headers), records: events.map(({ effect }) => effect.val) };
    }
  }
}

async function reply(job) {
  const { component, bounds, settings } = job;
  const logs = [];
  let connection;
  try {
    const key = JSON.stringify([component, bounds]);
    const options = { threads: 1, cpuMs: bounds['cpu-ms'], memoryBytes: bounds['memory-bytes'] };
    if (!loaded.has(key)) loaded.set(key, await Connector.load(component, options));
    connection = new Connection(loaded.get(key), {
      settings: settings.customer, operator: settings.operator, secrets: job.secrets, allowPrivate: job['allow-private'],
      attempts: job.attempts, answerBytes: bounds['answer-bytes'], onLog: (level, line) => logs.push(line),
    });
  } catch (why) {
    if (why instanceof Refused || why instanceof CallError) return { refused: why.message };
    return { refused: `this host failed: ${why.stack}` };
  }
  const outcomes = [];
  for (const asked of job.calls) {
    try {
      outcomes.push({ ok: (await outcome(connection, asked)) ?? null });
    } catch (why) {
      if (!(why instanceof CallError)) throw why;
      outcomes.push({ error: { kind: why.kind, message: why.message } });
    }
  }
  return { outcomes, logs };
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(await reply(JSON.parse(line)))}\n`);
process.exit();
