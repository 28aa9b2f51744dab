// One thread that makes calls, each in a fresh instance. What needs secrets or the network is asked of the main
// thread, and waited for: an import has to answer before it returns.

import { receiveMessageOnPort, workerData } from 'node:worker_threads';

const { port, flag, glue, modules } = workerData;
const { instantiate } = await import(glue);

function ask(name, args) {
  Atomics.store(flag, 0, 0);
  port.postMessage({ ask: name, args });
  Atomics.wait(flag, 0, 0);
  const { message } = receiveMessageOnPort(port);
  if ('refused' in message) throw message.refused; // The bare value: it becomes the error of the import.
  return message.answer;
}

function imports(settings) {
  return {
    'connector:host/http': { send: (request) => ask('send', [request]), reportLimit: (...args) => ask('reportLimit', args) },
    'connector:host/secrets': {
      sign: (...args) => ask('sign', args),
      verify: (...args) => ask('verify', args),
      carried: (...args) => ask('carried', args),
    },
    'connector:host/settings': { get: (name) => settings[name] },
    'connector:host/clock': { nowMs: () => BigInt(Date.now()) },
    'connector:host/log': { write: (level, message) => port.postMessage({ level, line: message.slice(0, 4096) }) },
  };
}

port.on('message', ({ of, name, args, settings }) => {
  try {
    const instance = instantiate((file) => modules[file], imports(settings));
    if (!instance[of]) return port.postMessage({ error: { kind: { tag: 'unsupported' }, message: `the connector offers no ${of}` } });
    port.postMessage({ value: instance[of][name](...args) });
  } catch (thrown) {
    // A result's error has a payload; anything else is a trap, and nothing of the instance is left.
    if (thrown?.payload !== undefined) port.postMessage({ error: thrown.payload });
    else port.postMessage({ trap: String(thrown?.message ?? thrown).slice(0, 500) });
  }
});
port.postMessage({ ready: true });
