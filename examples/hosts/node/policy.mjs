// What a connector may do: its manifest checked, and each request against it. The rules are those of wit/HOSTS.md.

import { isIP } from 'node:net';

const FRAMING = /^(host|content-length|transfer-encoding|accept-encoding|connection|te|upgrade|expect|cookie|proxy-.*)$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const TEMPLATE = /\{([^{}]+)\}/g;

/** The rule that forbids it, and why. */
export class Refused extends Error {}

export function refuse(rule, why) {
  throw new Refused(`${rule}: ${why}`);
}

const names = (template) => [...template.matchAll(TEMPLATE)].map((found) => found[1]);
const whole = (template) => /^\{([^{}]+)\}$/.exec(template)?.[1];
const by = (all, name) => all.find((one) => one.name === name);
export const isFraming = (name) => FRAMING.test(name.toLowerCase());

export function checkManifest(m) {
  for (const kind of ['schemes', 'endpoints', 'limits', 'secretUses', 'settings', 'objects']) {
    const all = m[kind].map((one) => one.name);
    if (all.includes('') || new Set(all).size < all.length) refuse('H-3', `a name among the ${kind} is empty or declared twice`);
  }
  for (const { name, measure } of m.limits) {
    const amounts = measure.tag === 'at-once' ? [measure.val] : Object.values(measure.val);
    if (amounts.includes(0)) refuse('H-3', `the limit ${name} allows nothing`);
  }
  for (const { place } of m.secretUses) {
    if (place.tag === 'other') refuse('H-3', `this host does not know the place ${place.val}`);
  }
  for (const name of m.deliverySecrets) if (!by(m.secretUses, name)) refuse('H-3', `the secret use ${name} is not declared`);
  for (const { name, form, setter } of m.settings) {
    if (form.tag === 'url' && form.val.includes('*') && setter === 'connector') refuse('H-7', `the connector may learn no URL of any host: ${name}`);
    if (form.tag === 'id-of' && !by(m.objects, form.val)) refuse('H-3', `${form.val} is no object`);
  }
  const fields = m.schemes.flatMap((scheme) => scheme.secrets).filter((field) => field.setter === 'operator');
  for (const e of m.endpoints) {
    if (!/^[A-Z]+$/.test(e.method)) refuse('H-3', `the endpoint ${e.name} needs an upper-case method`);
    for (const kind of ['limits', 'secretUses']) {
      for (const name of e[kind]) if (!by(m[kind], name)) refuse('H-3', `the endpoint ${e.name} names ${name}, which is not declared`);
    }
    if (e.captures.some(({ place }) => !['json', 'header'].includes(place.tag))) refuse('H-3', `the endpoint ${e.name} captures outside json and header`);
    const setting = checkOrigin(e.origin, m.settings);
    const isOpen = setting?.setter === 'customer' && setting.form.val.includes('*');
    const sent = e.secretUses.map((name) => by(m.secretUses, name).secret);
    if (isOpen && fields.some((field) => sent.includes(field.name))) refuse('H-8', `the operator's secret would go where a customer says: ${e.name}`);
  }
}

/** The setting that is the whole origin, if one is. */
function checkOrigin(origin, settings) {
  const used = names(origin).map((name) => by(settings, name));
  if (used.includes(undefined)) refuse('H-4', `${origin} names a setting that is not declared`);
  if (whole(origin)) return used[0].form.tag === 'url' ? used[0] : refuse('H-4', `${origin} needs a setting of form url`);
  if (!origin.startsWith('https://') || used.some((one) => !['label', 'choice'].includes(one.form.tag))) {
    refuse('H-4', `${origin} is not https and literal but for labels and choices`);
  }
  const [host, port] = origin.slice(8).split(':');
  const literal = host.replace(TEMPLATE, 'x');
  if ((port !== undefined && !/^[1-9]\d{0,4}$/.test(port)) || literal !== literal.toLowerCase() || !literal.split('.').every((it) => LABEL.test(it))) {
    refuse('H-4', `the host of ${origin} is no name in lower case`);
  }
  // Without a Public Suffix List: two literal labels at the end, the first of them longer than three letters.
  const tail = used.length ? host.slice(host.lastIndexOf('}') + 1).split('.').slice(1) : ['long', 'enough'];
  if (tail.length < 2 || tail.at(-2).length <= 3 || isIP(literal)) refuse('H-4', `a customer would choose the domain of ${origin}`);
}

export function checkSetting({ name, form, setter }, value, giver, allowPrivate = false) {
  if (giver !== setter && !(giver === 'operator' && setter === 'customer')) refuse('H-6', `the setting ${name} is given by the ${setter}, and not by the ${giver}`);
  let fits = !/[\x00-\x1f\x7f]/.test(value);
  if (form.tag === 'label') fits = LABEL.test(value);
  if (form.tag === 'choice') fits = form.val.includes(value);
  if (form.tag === 'url') {
    const url = URL.canParse(value) && !/\s/.test(value) ? new URL(value) : undefined;
    const host = url?.hostname.replace(/\.$/, '') ?? '';
    const isPublic = url?.protocol === 'https:' && !/:\d+$/.test(value.split('/')[2]) && !isIP(host.replace(/[[\]]/g, ''));
    const covers = (p) => p === '*' || p === host || (p.startsWith('*.') && host.endsWith(p.slice(1)));
    const isPlain = url && !url.search && !url.hash && !url.username && !url.password;
    fits = isPlain && form.val.some(covers) && (isPublic || (allowPrivate && giver === 'operator' && /^https?:$/.test(url.protocol)));
  }
  if (!fits) refuse('H-6', `the setting ${name} cannot be ${JSON.stringify(value)}: it is of form ${form.tag}`);
}

export function fill(template, settings) {
  return template.replace(TEMPLATE, (_, name) => settings[name] ?? refuse('H-9', `the setting ${name} has no value`));
}

/** Path and query of a request, if they are of the endpoint's shape. */
function matchPath(pattern, asked) {
  const found = /^(\/?[A-Za-z0-9\-._~!$&'()*+,;=:@%/{}]*)(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?[\]|]*)?$/.exec(asked);
  if (!found) refuse('H-11', `the path ${JSON.stringify(asked)} cannot be sent`);
  const [, path, query = ''] = found;
  for (const segment of path.split('/')) {
    const odd = /%(?![0-9a-f]{2})|%[01][0-9a-f]|%2f|%5c|%7f/i.test(segment);
    if (odd || /^\.{1,2}$/.test(segment.replace(/%2e/gi, '.'))) refuse('H-11', `a segment of ${JSON.stringify(asked)} is not plain`);
  }
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  const rest = wanted.at(-1) === '**';
  const fits = (w, g) => ((w === '*' || w === '**') && !g.includes('{') && (g !== '' || w === '**')) || w === g;
  const same = rest ? given.length >= wanted.length : given.length === wanted.length;
  if (!same || !given.every((g, at) => fits(wanted[at] ?? '**', g))) refuse('H-11', `the endpoint is for ${pattern}, and not for ${path}`);
  return [path, query];
}

const percent = (text, kept) => [...Buffer.from(text)].map((byte) => {
  const one = String.fromCharCode(byte);
  return /[A-Za-z0-9\-._~]/.test(one) || kept.includes(one) ? one : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}).join('');
const SEGMENT = "!$&'()*+,;=:@";
const formed = (text) => new URLSearchParams({ a: text }).toString().slice(2);
const base64 = (text) => Buffer.from(text).toString('base64');

/** Target, headers and body of a request with its secrets, and how each stands there. */
export function placeSecrets(m, endpoint, request, secret, settings) {
  let [path, query] = matchPath(endpoint.path, request.pathWithQuery);
  const headers = request.headers.map(([name, value]) => [name.toLowerCase(), value]);
  let body = request.body && Buffer.from(request.body);
  const rendered = [];
  const signs = m.keyUses.some((key) => key.role === 'sign');
  for (const [name, value] of headers) {
    const isBad = !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value);
    if (isBad || isFraming(name) || (name === 'authorization' && !signs)) refuse('H-12', `the header ${name} is not the connector's to set`);
  }
  const uses = m.secretUses.filter((use) => endpoint.secretUses.includes(use.name));
  for (const name of request.secretUses) if (!by(uses, name)) refuse('H-13', `the endpoint ${endpoint.name} has no secret use ${name}`);
  const content = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  for (const { name, secret: of, place } of uses) {
    const asked = request.secretUses.includes(name);
    const value = asked ? secret(of) : undefined;
    const own = (isThere) => isThere && refuse('H-12', `something stands in the place of the secret use ${name}`);
    if (['header', 'basic-user', 'basic-password'].includes(place.tag)) {
      const header = place.tag === 'header' ? place.val.name.toLowerCase() : 'authorization';
      own(headers.some(([it]) => it === header));
      if (!asked) continue;
      const pair = place.tag === 'basic-user' ? () => `${value}:${fill(place.val, settings)}` : () => `${fill(place.val, settings)}:${value}`;
      rendered.push(place.tag === 'header' ? place.val.prefix + value : base64(pair()));
      headers.push([header, place.tag === 'header' ? rendered.at(-1) : `Basic ${rendered.at(-1)}`]);
    } else if (place.tag === 'query') {
      own(new URLSearchParams(query).has(place.val));
      if (!asked) continue;
      rendered.push(percent(value, ''));
      query += `${query ? '&' : '?'}${percent(place.val, '')}=${rendered.at(-1)}`;
    } else if (place.tag === 'path') {
      if (path.includes(`{${name}}`) !== asked) refuse('H-13', `the place of ${name} in the path and its use go together`);
      if (!asked) continue;
      rendered.push(place.val + percent(value, SEGMENT));
      path = path.replace(`{${name}}`, () => rendered.at(-1));
    } else if (place.tag === 'form-field') {
      if (body?.length && !content.startsWith('application/x-www-form-urlencoded')) refuse('H-12', `the body cannot be read for the place of ${name}`);
      own(new URLSearchParams(body?.toString()).has(place.val));
      if (!asked) continue;
      rendered.push(formed(value));
      body = Buffer.from([body?.toString(), `${formed(place.val)}=${rendered.at(-1)}`].filter(Boolean).join('&'));
    } else if (body?.length || asked) {
      const text = body?.toString() ?? '';
      const at = jsonMember(text, place.val, asked ? 'H-13' : 'H-12');
      own(at && !asked);
      if (!asked) continue;
      if (!at || text.slice(...at) !== 'null') refuse('H-13', `at ${place.val} null must stand`);
      rendered.push(JSON.stringify(value));
      body = Buffer.from(text.slice(0, at[0]) + rendered.at(-1) + text.slice(at[1]));
    }
  }
  if (path.includes('{')) refuse('H-13', 'a place in the path is left empty');
  return { target: path + query, headers, body, rendered };
}

/** Where the value at a pointer of members stands in a text; a doubled member is refused. */
export function jsonMember(text, pointer, rule) {
  try {
    JSON.parse(text);
  } catch {
    refuse(rule, "the body is no JSON, so it cannot be read for a secret's place");
  }
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;
  const all = [...text.matchAll(tokens)].map((found) => [found[0], found.index]);
  const end = (at) => { // The place after the value that begins here.
    for (let depth = 0; ; at += 1) {
      if ('{['.includes(all[at][0])) depth += 1;
      if ('}]'.includes(all[at][0])) depth -= 1;
      if (depth === 0) return at + 1;
    }
  };
  let value = 0;
  for (const token of pointer.split('/').slice(1).map((it) => it.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    if (all[value][0] !== '{') return undefined;
    let found;
    for (let at = value + 1; all[at][0] !== '}';) {
      if (JSON.parse(all[at][0]) === token) found = found === undefined ? at + 2 : refuse(rule, `the member ${token} stands there twice`);
      at = end(at + 2);
      if (all[at][0] === ',') at += 1;
    }
    if (found === undefined) return undefined;
    value = found;
  }
  const last = all[end(value) - 1];
  return [all[value][1], last[1] + last[0].length];
}

/** A secret as it may come back: as it is, and as it was encoded on the way. */
export function forms(value) {
  const plain = [value, percent(value, ''), percent(value, SEGMENT), formed(value), base64(value).replace(/=+$/, ''), base64(`${value}:`)];
  const quoted = plain.map((it) => JSON.stringify(it).slice(1, -1));
  return [...new Set([...plain, ...quoted, ...quoted.map((it) => JSON.stringify(it).slice(1, -1))])];
}
