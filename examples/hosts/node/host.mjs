// A host for one process: it loads a component, and makes its calls in worker threads, each within a deadline.

import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';

import { Call, same } from './call.mjs';
import * as policy from './policy.mjs';
import { Refused, refuse } from './policy.mjs';

export { Refused };

const LONGEST_WAIT_MS = 30_000;
const LOST_PAUSES_MS = [2_000, 5_000, 15_000];
const HOSTS = ['http', 'secrets', 'settings', 'clock', 'log'].map((it) => `connector:host/${it}@0.2.0`);
const TYPES = ['types', 'objects', 'permissions', 'setup'].map((it) => `connector:api/${it}@0.2.0`);

/** What a call failed with: act by `kind` alone. */
export class CallError extends Error {
  constructor({ kind, message }) {
    super(message);
    this.kind = kind.tag;
    this.value = kind.val;
  }
}

/** A component's modules and glue, as jco makes them: done once, while building or while loading. */
export async function transpile(bytes) {
  const jco = await import('@bytecodealliance/jco');
  const imports = [...(await jco.componentWit(bytes)).matchAll(/^ {2}import ([^;\s]+);/gm)].map((found) => found[1]);
  const foreign = imports.filter((it) => ![...HOSTS, ...TYPES].includes(it));
  if (foreign.length) refuse('H-1', `it imports ${foreign.join(', ')}`);
  const { files } = await jco.transpile(bytes, { name: 'connector', instantiation: 'sync', noNodejsCompat: true });
  return Object.fromEntries(files instanceof Array ? files : Object.entries(files));
}

/** A component that was loaded and whose manifest was checked. */
export class Connector {
  static async load(path, options) {
    return Connector.of(await transpile(await readFile(path)), options);
  }

  /** Of what `transpile` has made. */
  static async of(files, { threads = 2, memoryBytes = 64 << 20, cpuMs = 1_000 } = {}) {
    const connector = new Connector();
    Object.assign(connector, { cpuMs, threads, idle: [], waiting: [], started: 0, modules: {}, folder: await mkdtemp(join(tmpdir(), 'connector-')) });
    for (const [name, bytes] of Object.entries(files)) {
      if (name.endsWith('.wasm')) connector.modules[name] = await WebAssembly.compile(bounded(bytes, memoryBytes >> 16));
    }
    connector.glue = join(connector.folder, 'connector.mjs');
    await writeFile(connector.glue, files['connector.js']);
    try {
      connector.manifest = (await connector.run(new Call(), 'catalog', 'getManifest', [])).value;
      policy.checkManifest(connector.manifest);
    } catch (why) {
      await connector.close();
      throw why;
    }
    return connector;
  }

  async close() {
    this.idle.splice(0).forEach((thread) => thread.worker.terminate());
    await rm(this.folder, { recursive: true, force: true });
  }

  async thread() {
    if (this.idle.length) return this.idle.pop();
    if (this.started >= this.threads) return new Promise((take) => this.waiting.push(take));
    this.started += 1;
    const { port1, port2 } = new MessageChannel();
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const workerData = { port: port2, flag, glue: pathToFileURL(this.glue).href, modules: this.modules };
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData, transferList: [port2], resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 4 } });
    worker.unref();
    await new Promise((ready, failed) => port1.once('message', ready) && worker.once('error', failed));
    return { worker, port: port1, flag };
  }

  /** One call in a fresh instance, stopped when it computes for too long (H-31). */
  async run(call, of, name, args) {
    const thread = await this.thread();
    const { port, flag, worker } = thread;
    const settings = call.connection?.settings ?? {};
    let clock, stop, stopped;
    const ended = new Promise((resolve) => {
      stop = (trap) => { stopped = true; worker.terminate(); resolve({ trap }); };
      const run = () => { clock = setTimeout(stop, this.cpuMs, `it computed for more than ${this.cpuMs} ms`); };
      worker.once('error', (why) => stop(why.message)); // Out of memory, or of stack beyond what a trap tells.
      port.removeAllListeners('message');
      port.ref();
      port.on('message', async (message) => {
        if ('line' in message) return call.log(message.level, message.line);
        clearTimeout(clock);
        if (!('ask' in message)) return resolve(message);
        let reply;
        try {
          reply = { answer: await call[message.ask](...message.args) };
        } catch (why) {
          reply = { refused: why instanceof Refused ? { tag: 'refused', val: why.message } : why };
          if (why instanceof Error && !(why instanceof Refused)) return stop(why.message);
        }
        run();
        port.postMessage(reply);
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
      });
      run();
      port.postMessage({ of, name, args, settings });
    });
    const outcome = await ended;
    clearTimeout(clock);
    port.unref();
    worker.removeAllListeners('error');
    if (stopped) {
      this.started -= 1;
      if (this.waiting.length) this.waiting.shift()(await this.thread());
    } else if (this.waiting.length) this.waiting.shift()(thread);
    else this.idle.push(thread);
    if ('trap' in outcome) {
      const kind = { tag: call.wrote ? 'outcome-unknown' : 'internal' };
      throw new CallError({ kind, message: call.scrub(`H-31: the call was stopped: ${outcome.trap}`) });
    }
    if (outcome.error?.kind) throw new CallError(outcome.error);
    return outcome;
  }
}

/** The same core module, whose memory grows to so many pages and no further. */
function bounded(bytes, pages) {
  const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
  const read = (at) => { let [n, shift] = [0, 0]; for (;; at += 1, shift += 7) { n += (bytes[at] & 127) * 2 ** shift; if (bytes[at] < 128) return [n, at + 1]; } };
  for (let at = 8; at < bytes.length;) {
    const [size, start] = read(at + 1);
    if (bytes[at] === 5) {
      const [least, after] = read(start + 2); // One memory: count, flags, least, most.
      const [most] = bytes[start + 1] & 1 ? read(after) : [pages];
      const section = [1, 1, ...leb(least), ...leb(Math.max(least, Math.min(most, pages)))];
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([5, ...leb(section.length), ...section]), bytes.subarray(start + size)]);
    }
    at = start + size;
  }
  return bytes;
}

/** One customer's account. */
export class Connection {
  constructor(connector, { settings = {}, operator = {}, secrets = {}, allowPrivate = false, limits = true, attempts = 4, answerBytes = 8 << 20, onLog = () => {} } = {}) {
    const m = connector.manifest;
    Object.assign(this, { connector, allowPrivate, attempts, answerBytes, onLog, counts: {} });
    this.limits = limits || !allowPrivate ? m.limits : []; // Off for a simulator alone.
    this.secrets = Object.fromEntries(Object.entries(secrets).map(([name, it]) => [name, [it].flat()]));
    this.settings = { scheme: operator.scheme ?? settings.scheme ?? m.schemes[0]?.name };
    for (const { name, default: value } of m.settings) if (value !== undefined) this.settings[name] = value;
    for (const [values, giver] of [[settings, 'customer'], [operator, 'operator']]) {
      for (const [name, value] of Object.entries(values).filter(([it]) => it !== 'scheme')) {
        const declared = m.settings.find((one) => one.name === name) ?? refuse('H-6', `no setting is called ${name}`);
        policy.checkSetting(declared, value, giver, allowPrivate);
        this.settings[name] = value;
      }
    }
    this.agents = { 'http:': new http.Agent({ keepAlive: true, timeout: 5_000 }), 'https:': new https.Agent({ keepAlive: true, timeout: 5_000 }) };
  }

  secret(name) {
    const [newest] = this.secrets[name] ?? [];
    if (newest === undefined) throw { tag: 'no-secret', val: `H-15: the connection has no secret ${name}` };
    return newest;
  }

  /** H-14: without any secret, in whatever form it may come back. */
  scrub(text, more = []) {
    const every = [...Object.values(this.secrets).flat().flatMap(policy.forms), ...more].filter((it) => it.length > 3);
    return every.sort((a, b) => b.length - a.length).reduce((clean, form) => clean.replaceAll(form, '[redacted]'), text);
  }

  /** H-20: until every limit has room. No window of its length holds more than it allows. */
  async wait(endpoint, cost) {
    const limits = this.limits.filter((one) => endpoint.limits.includes(one.name) && one.measure.tag !== 'at-once');
    const now = Date.now();
    let at = now;
    for (const { name, measure: { tag, val: { amount, windowMs } } } of limits) {
      const count = (this.counts[name] ??= { total: amount, sent: [] });
      const price = tag === 'points' ? cost : 1;
      if (price > count.total) refuse('H-20', `the cost ${price} is above the limit ${name}`);
      count.sent = count.sent.filter(([time]) => time + windowMs > now);
      let used = count.sent.reduce((sum, [, it]) => sum + it, 0);
      for (const [time, it] of count.sent) {
        if (used + price <= count.total) break;
        [used, at] = [used - it, Math.max(at, time + windowMs)];
      }
    }
    if (at - now > LONGEST_WAIT_MS) throw { tag: 'limited', val: at - now };
    for (const { name, measure: { tag } } of limits) this.counts[name].sent.push([at, tag === 'points' ? cost : 1]); // Its turn is taken before it comes.
    if (at > now) await sleep(at - now);
  }

  async call(of, name, args, { silent, carried } = {}) {
    return this.connector.run(new Call(this, silent, carried), of, name, args);
  }

  /** H-32, H-34: `call(again)` until it ends otherwise than for now. */
  async repeated(call) {
    for (let [attempt, again] = [1, false]; ; attempt += 1) {
      try {
        return (await call(again)).value;
      } catch (why) {
        if (attempt >= this.attempts || !['rate-limited', 'unavailable', 'outcome-unknown'].includes(why.kind)) throw why;
        again ||= why.kind === 'outcome-unknown';
        const pause = why.kind === 'rate-limited' ? why.value ?? 4_000 : 50 * 2 ** attempt;
        await sleep(again ? LOST_PAUSES_MS[Math.min(attempt, 3) - 1] : pause);
      }
    }
  }

  get(object, id) {
    return this.repeated(() => this.call('records', 'get', [object, id, { fields: [] }]));
  }

  page(object, start = { tag: 'beginning' }, { pageSize, filter } = {}) {
    return this.repeated(() => this.call('records', 'list', [{ object, start, pageSize, filter, view: { fields: [] } }]));
  }

  /** Every record. H-35: a cursor that comes again ends the scan. */
  async *list(object, options) {
    for (let start = { tag: 'beginning' }; ;) {
      const page = await this.page(object, start, options);
      yield* page.records;
      if (page.next === undefined) return;
      if (page.next === start.val) throw new CallError({ kind: { tag: 'internal' }, message: 'H-35: the cursor came again' });
      start = { tag: 'at', val: page.next };
      if (page.notBeforeMs) await sleep(page.notBeforeMs);
    }
  }

  async create(object, input) {
    const [key, text] = [randomUUID(), typeof input === 'string' ? input : JSON.stringify(input)];
    return (await this.repeated((again) => this.call('records', 'create', [object, text, { key, again }]))).item;
  }

  async derive(objects, parents) {
    const { value } = await this.call('derived', 'derive', [objects, parents], { silent: 'deriving' });
    for (const lists of value) {
      lists.forEach((list, at) => list.forEach(({ id }) => {
        if (id !== parents[at].id && !id.startsWith(`${parents[at].id}/`)) throw new CallError({ kind: { tag: 'internal' }, message: `H-38: ${id} is not named after its holder` });
      }));
    }
    return value;
  }

  /** Ends a connection that sent its customer to the provider. H-29: what was learned is kept whole or not at all. */
  async complete(session, query) {
    const before = { ...this.secrets };
    try {
      const grant = await this.repeated(() => this.call('auth', 'complete', [session, query]));
      const declared = (name) => this.connector.manifest.settings.find((one) => one.name === name);
      const learned = grant.settings.filter(([name]) => declared(name));
      learned.forEach(([name, value]) => policy.checkSetting(declared(name), value, 'connector'));
      Object.assign(this.settings, Object.fromEntries(learned));
      return Object.fromEntries(learned);
    } catch (why) {
      this.secrets = before;
      throw why instanceof Refused ? new CallError({ kind: { tag: 'internal' }, message: `H-29: ${why.message}` }) : why;
    }
  }

  /** What to answer, and the events (H-41, H-42). Keep the events before you answer. */
  async deliver(method, address, given, body) {
    let headers = given.map(([name, value]) => [name.toLowerCase(), new Uint8Array(Buffer.from(value, 'latin1'))]); // Values are bytes.
    const { secretUses, deliverySecrets } = this.connector.manifest;
    const [path, query = ''] = address.split('?');
    let pairs = query.split('&').filter(Boolean);
    const carried = {};
    for (const { name: use, secret, place } of secretUses.filter((one) => deliverySecrets.includes(one.name))) {
      let found = [];
      if (place.tag === 'header') {
        const is = ([name]) => name === place.val.name.toLowerCase();
        found = headers.filter(is).map(([, value]) => Buffer.from(value).toString('latin1')).filter((it) => it.startsWith(place.val.prefix)).map((it) => it.slice(place.val.prefix.length));
        headers = headers.filter((one) => !is(one));
      } else if (place.tag === 'query') {
        const is = (pair) => new URLSearchParams(pair).has(place.val);
        found = pairs.filter(is).map((pair) => new URLSearchParams(pair).get(place.val));
        pairs = pairs.filter((pair) => !is(pair));
      }
      const live = this.secrets[secret];
      carried[use] = live ? found.length === 1 && live.map((it) => same(Buffer.from(it), Buffer.from(found[0]))).includes(true) : 'not-found';
    }
    headers = headers.filter(([name]) => !['authorization', 'proxy-authorization', 'cookie'].includes(name));
    const delivery = { method, url: path + (pairs.length ? `?${pairs.join('&')}` : ''), headers, body: new Uint8Array(body), receivedAt: new Date().toISOString() };
    const { value, error } = await this.call('subscriptions', 'receive', [delivery], { silent: 'receiving', carried });
    if (error) return { status: { unverified: 401, unreadable: 200, 'try-again': 503 }[error.tag], headers: [], body: '', events: [] };
    const { status, headers: told, body: content } = value.answer ?? { status: 200, headers: [], body: '' };
    const kept = told.filter(([name]) => !policy.isFraming(name) && !['keep-alive', 'trailer'].includes(name.toLowerCase()));
    return { status, headers: kept, body: content, events: value.events };
  }
}

/** Handles deliveries at `path`: `keep(events)` stores them, and success is answered when it has. */
export function receiver(connection, keep, { path = '/hooks', mostBytes = 1 << 20 } = {}) {
  return http.createServer({ requestTimeout: 10_000 }, async (request, response) => {
    let answer = { status: 404, headers: [], body: '' };
    try {
      const [pieces, raw] = [[], request.rawHeaders];
      let length = 0;
      for await (const piece of request) if ((length += piece.length) <= mostBytes) pieces.push(piece);
      if (request.url.split('?')[0] === path && length <= mostBytes) {
        const headers = raw.filter((_, at) => at % 2 === 0).map((name, at) => [name, raw[2 * at + 1]]);
        answer = await connection.deliver(request.method, `https://${request.headers.host}${request.url}`, headers, Buffer.concat(pieces));
        await keep(answer.events);
      }
    } catch {
      answer = { status: 503, headers: [], body: '' };
    }
    response.writeHead(answer.status, answer.headers.flat()).end(answer.body);
  });
}
