// One request to the provider, and its answer.

import { lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP } from 'node:net';
import { gunzipSync } from 'node:zlib';

const inside = new BlockList();
for (const [net, bits] of [['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24],
  ['192.168.0.0', 16], ['198.18.0.0', 15], ['224.0.0.0', 3]]) inside.addSubnet(net, bits);
for (const [net, bits] of [['::', 96], ['::ffff:0:0', 96], ['64:ff9b::', 96], ['fc00::', 7], ['fe80::', 10], ['ff00::', 8], ['2002::', 16]]) inside.addSubnet(net, bits, 'ipv6');

/** H-16, H-19: to a judged address, sent once, bounded, and told apart. Fails with a case of `send-error`. */
export function exchange({ agents, allowPrivate, answerBytes }, origin, method, path, headers, body) {
  const url = new URL(origin);
  const isPublic = (address) => allowPrivate || !inside.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  const judged = (name, options, done) => lookup(name, { ...options, all: true }, (why, found = []) => {
    const usable = found.filter(({ address }) => isPublic(address));
    if (why || !usable.length) return done(why ?? new Error(`H-16: ${name} leads to no public address`));
    return options.all ? done(null, usable) : done(null, usable[0].address, usable[0].family);
  });
  return new Promise((resolve, reject) => {
    let isSent = false;
    const fail = (why) => reject({ tag: isSent ? 'unanswered' : 'not-sent', val: `H-19: ${why.message}` });
    const host = url.hostname.replace(/[[\]]/g, '');
    if (isIP(host) && !isPublic(host)) return fail(new Error(`H-16: ${host} is no public address`));
    const sized = body || method !== 'GET' ? [['content-length', String(body?.length ?? 0)]] : [];
    const flat = [['host', url.host], ...headers, ...sized].flatMap(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
    const options = { method, path, headers: flat, host, port: url.port || undefined, agent: agents[url.protocol], lookup: judged, timeout: 30_000, signal: AbortSignal.timeout(60_000) };
    const request = (url.protocol === 'https:' ? https : http).request(options, (answer) => {
      const [pieces, most] = [[], answerBytes];
      let length = 0;
      answer.on('data', (piece) => (length += piece.length) > most ? answer.destroy(new Error(`the answer is larger than ${most} bytes`)) : pieces.push(piece));
      answer.on('error', fail);
      answer.on('end', () => {
        try {
          let content = Buffer.concat(pieces);
          if (answer.headers['content-encoding'] === 'gzip') content = gunzipSync(content, { maxOutputLength: most });
          const raw = answer.rawHeaders;
          const names = raw.filter((_, at) => at % 2 === 0);
          resolve({ status: answer.statusCode, headers: names.map((name, at) => [name.toLowerCase(), raw[2 * at + 1]]), body: content });
        } catch (why) { fail(why); }
      });
    });
    request.on('socket', (socket) => {
      const sent = () => { isSent = true; };
      if (!socket.connecting) sent();
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', sent);
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 30 s')));
    request.on('error', fail);
    request.end(body);
  });
}
