// The main job by a client that is generated from the API's description: what is checked here is that its types
// let a caller write what the API takes, and nothing else.
import createClient from 'openapi-fetch';

import type { components, paths } from './api.js';

type Problem = components['schemas']['Problem'];
type Change = components['schemas']['ChangeDocument'];

const api = createClient<paths>({
  baseUrl: process.env.API_URL ?? 'http://127.0.0.1:8081',
  headers: process.env.API_TOKEN ? { Authorization: `Bearer ${process.env.API_TOKEN}` } : {},
});

/** What a caller does about a problem: every kind is named, so that a new one does not compile. */
function next(problem: Problem): 'again' | 'look' | 'stop' {
  switch (problem.kind) {
    case 'unavailable':
    case 'rate-limited':
    case 'quota-exhausted':
      return 'again';
    case 'outcome-unknown':
      return 'look';
    case 'unauthenticated':
    case 'forbidden':
    case 'not-found':
    case 'conflict':
    case 'invalid-input':
    case 'cursor-expired':
    case 'unsupported':
    case 'internal':
      return 'stop';
  }
}

export async function main(connection: string, number: string): Promise<Change | undefined> {
  const path = { connection };
  const link = await api.POST('/v1/connections/{connection}/connect', {
    params: { path },
    body: { label: 'Acme', return_to: 'https://shop.example/done', scopes: [] },
  });
  if (link.error) throw new Error(`${next(link.error)}: ${link.error.detail}`);
  const { url, expires_at }: { url: string; expires_at: string } = link.data;
  console.log(url, expires_at);

  const { data: kept } = await api.GET('/v1/connections/{connection}', { params: { path } });
  if (kept?.state === 'not-connected') return undefined;

  const created = await api.POST('/v1/connections/{connection}/objects/{object}/records', {
    params: { path: { connection, object: 'trackings' } },
    body: { tracking_number: number, slug: 'ups' },
  });
  if (created.error) throw new Error(created.error.next ?? created.error.detail);
  const members: string[] = Object.keys(created.data.record?.data ?? {});
  console.log(members);

  const { data: page } = await api.GET('/v1/changes', { params: { query: { connection, limit: 100 } } });
  const change = page?.items.find((one) => one.id === created.data.id);
  // @ts-expect-error no change has such a kind
  if (change?.kind === 'creatd') throw new Error('unreachable');
  return change?.kind === 'created' ? change : undefined;
}

/** What is not allowed does not compile. */
export async function refused(): Promise<void> {
  // @ts-expect-error there is no such path
  await api.GET('/v1/connection', {});
  // @ts-expect-error a limit is a number
  await api.GET('/v1/connections', { params: { query: { limit: 'ten' } } });
  // @ts-expect-error a query holds no null
  await api.GET('/v1/connections', { params: { query: { cursor: null } } });
  // @ts-expect-error a connection has a name
  await api.POST('/v1/connections', { body: { settings: {} } });
}
