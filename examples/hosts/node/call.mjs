// What one call may do: the five interfaces that a connector imports.

import { createHmac, timingSafeEqual } from 'node:crypto';

import { exchange } from './exchange.mjs';
import * as policy from './policy.mjs';
import { refuse } from './policy.mjs';

const [REQUESTS, LOG_BYTES] = [16, 64 * 1024];

/** Whether two values are the same, in a time that does not tell where they differ. */
export const same = (one, other) => one.length === other.length && timingSafeEqual(one, Buffer.from(other));

/** The interfaces of a host, as one call may use them. */
export class Call {
  constructor(connection, silent, carriedUses = {}) {
    Object.assign(this, { connection, silent, carriedUses, wrote: false, requests: 0, logged: 0 });
  }

  scrub(text) {
    return this.connection ? this.connection.scrub(text) : text;
  }

  log(level, message) {
    if (!this.connection || this.logged >= LOG_BYTES) return;
    const escaped = (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`;
    const line = this.scrub(message).replace(/[\x00-\x1f\x7f-\x9f]/g, escaped).slice(0, 4096);
    this.logged += line.length;
    this.connection.onLog(level, line);
  }

  async send(request) {
    const c = this.connection;
    if (this.silent || !c) refuse('H-18', `${this.silent ?? 'the manifest'} sends nothing`);
    this.requests += 1;
    if (this.wrote || this.requests > REQUESTS) refuse('H-17', 'the call has already written, or sent too much');
    const m = c.connector.manifest;
    let endpoint = m.endpoints.find((one) => one.name === request.endpoint) ?? refuse('H-10', `the endpoint ${request.endpoint} is not declared`);
    let origin = policy.fill(endpoint.origin, c.settings);
    if (endpoint.path === '') {
      const url = new URL(origin);
      [origin, endpoint] = [url.origin, { ...endpoint, path: url.pathname }];
      request.pathWithQuery = url.pathname + request.pathWithQuery;
    }
    const { target, headers, body, rendered } = policy.placeSecrets(m, endpoint, request, (name) => c.secret(name), c.settings);
    await c.wait(endpoint, request.cost);
    this.wrote = endpoint.writes;
    headers.push(['user-agent', `connector-host-example ${m.name}/${m.version}`]);
    const scrub = (text) => c.scrub(text, rendered);
    const answer = await exchange(c, origin, endpoint.method, target, headers, body).catch((why) => {
      if (why.tag === 'not-sent') this.wrote = false;
      throw { tag: why.tag, val: scrub(String(why.val ?? why)) };
    });
    const captured = [];
    for (const { secret, place } of answer.status >= 200 && answer.status < 300 ? endpoint.captures : []) { // H-25
      let value;
      if (place.tag === 'header') {
        const is = ([name]) => name === place.val.name.toLowerCase();
        value = answer.headers.find(is)?.[1].replace(place.val.prefix, '');
        answer.headers = answer.headers.filter((one) => !is(one));
      } else {
        const text = answer.body.toString();
        let at;
        try { at = policy.jsonMember(text, place.val, 'H-25'); } catch { /* No JSON: nothing to take out. */ }
        if (at && text.slice(...at) !== 'null') {
          const found = JSON.parse(text.slice(...at));
          value = typeof found === 'string' ? found : text.slice(...at);
          answer.body = Buffer.from(`${text.slice(0, at[0])}null${text.slice(at[1])}`);
        }
      }
      if (value === undefined) continue;
      c.secrets[secret] = [value];
      captured.push(secret);
    }
    const clean = Buffer.from(scrub(answer.body.toString('latin1')), 'latin1');
    return { status: answer.status, headers: answer.headers.map(([name, value]) => [name, scrub(value)]), body: new Uint8Array(clean), captured };
  }

  reportLimit(name, left, total, fullInMs) { // H-21
    const limit = this.connection?.connector.manifest.limits.find((one) => one.name === name && one.measure.tag !== 'at-once');
    if (limit) this.connection.counts[name] = { total, sent: [[Date.now() + fullInMs - limit.measure.val.windowMs, Math.max(0, total - left)]] };
  }

  key(name, algorithm, role) {
    const uses = this.connection?.connector.manifest.keyUses ?? [];
    if (!uses.some((one) => one.secret === name && one.algorithm === algorithm && one.role === role)) throw 'denied'; // H-23
    if (algorithm !== 'hmac-sha256') throw 'unsupported';
    return this.connection.secrets[name] ?? (() => { throw 'not-found'; })();
  }

  sign(name, algorithm, message) {
    const [key] = this.key(name, algorithm, 'sign');
    const hmac = createHmac('sha256', key);
    for (const { tag, val } of message) {
      const isDeclared = val === name || this.connection.connector.manifest.secretUses.some((use) => use.secret === val);
      if (tag === 'secret' && !isDeclared) throw 'denied';
      if (tag === 'secret' && !this.connection.secrets[val]) throw 'not-found';
      hmac.update(tag === 'secret' ? this.connection.secrets[val][0] : val);
    }
    return new Uint8Array(hmac.digest());
  }

  verify(name, algorithm, message, signature) { // H-24
    return this.key(name, algorithm, 'verify').map((key) => same(createHmac('sha256', key).update(message).digest(), signature)).includes(true);
  }

  carried(use) { // H-27
    const told = this.carriedUses[use] ?? 'denied';
    if (typeof told === 'string') throw told;
    return told;
  }
}
