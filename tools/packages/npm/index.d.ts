import type { Server } from 'node:http';

/** What one call may use. */
export interface Bounds {
  /** Worker threads, each with one call at a time; 2 if not given. */
  threads?: number;
  /** Linear memory of a call, in bytes; 64 MiB if not given. */
  memoryBytes?: number;
  /** Time that a call may compute, in milliseconds; 1,000 if not given. Waiting for answers does not count. */
  cpuMs?: number;
}

export interface ConnectionOptions {
  /** Settings as the customer gives them. */
  settings?: Record<string, string>;
  /** Settings as the operator gives them, who may give a customer's too. */
  operator?: Record<string, string>;
  /** Secrets; of several versions the newest first. */
  secrets?: Record<string, string | string[]>;
  /** For a simulator: http, this machine and private networks. */
  allowPrivate?: boolean;
  /** Whether the connector's limits are kept; only with `allowPrivate` they can be left out. */
  limits?: boolean;
  /** Tries of a call, the first included; 4 if not given. */
  attempts?: number;
  /** Largest answer of the provider, in bytes, decoded; 8 MiB if not given. */
  answerBytes?: number;
  onLog?: (level: 'debug' | 'info' | 'warn' | 'error', line: string) => void;
}

/** One record. `data` is the provider's JSON, digit for digit. */
export interface DataRecord {
  id: string;
  updatedAt?: string;
  createdAt?: string;
  version?: string;
  data: string;
}

export type WrittenRecord = { tag: 'whole'; val: DataRecord } | { tag: 'id'; val: string };
export type Start = { tag: 'beginning' } | { tag: 'since'; val: string } | { tag: 'at'; val: string };

export interface Page {
  records: DataRecord[];
  deleted: string[];
  unreadable: { id?: string; raw: string; reason: string }[];
  next?: string;
  notBeforeMs?: number;
  bookmark?: string;
  total?: number;
  more: [string, string][];
}

export type Effect =
  | { tag: 'upserted'; val: DataRecord }
  | { tag: 'deleted'; val: string }
  | { tag: 'changed'; val: string }
  | { tag: 'disconnected' }
  | { tag: 'nothing' };

export interface DeliveredEvent {
  id?: string;
  object: string;
  name: string;
  occurredAt?: string;
  effect: Effect;
}

export type ErrorKind =
  | 'unauthenticated' | 'forbidden' | 'not-found' | 'conflict' | 'invalid-input' | 'rate-limited' | 'quota-exhausted'
  | 'unavailable' | 'outcome-unknown' | 'cursor-expired' | 'unsupported' | 'internal';

/** What a call failed with: act by `kind` alone. */
export class CallError extends Error {
  readonly kind: ErrorKind;
  readonly value?: unknown;
}

/** What the host refuses, by the number of the rule. */
export class Refused extends Error {}

export class Connector {
  readonly manifest: { name: string; version: string; objects: { name: string; title: string; operations: string[] }[] };
  close(): Promise<void>;
  private constructor();
}

export interface ListOptions {
  /** Largest number of records of a page. */
  pageSize?: number;
  /** JSON, valid against the object's filter schema. */
  filter?: string;
}

export class Connection {
  constructor(connector: Connector, options?: ConnectionOptions);
  readonly connector: Connector;
  get(object: string, id: string): Promise<DataRecord>;
  page(object: string, start?: Start, options?: ListOptions): Promise<Page>;
  list(object: string, options?: ListOptions): AsyncGenerator<DataRecord, void, void>;
  /** A record of this input; looked for before it is sent again when the answer is lost. */
  create(object: string, input: string | object): Promise<WrittenRecord>;
  derive(objects: string[], parents: DataRecord[]): Promise<DataRecord[][][]>;
  /** Ends what sent a customer to the provider; answers the settings that were learned. */
  complete(session: string, query: string): Promise<Record<string, string>>;
  deliver(
    method: string, url: string, headers: [string, string][], body: Uint8Array,
  ): Promise<{ status: number; headers: [string, string][]; body: string | Uint8Array; events: DeliveredEvent[] }>;
}

/** AfterShip's connector, loaded. */
export function load(bounds?: Bounds): Promise<Connector>;

/** A connection of a connector of its own. */
export function connect(options?: ConnectionOptions & Bounds): Promise<Connection>;

/** A server for deliveries: `keep` stores the events, and success is answered when it has. */
export function receiver(
  connection: Connection, keep: (events: DeliveredEvent[]) => void | Promise<void>, options?: { path?: string; mostBytes?: number },
): Server;
