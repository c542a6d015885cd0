/** Stored catalogues: files of the state folder, as somebody or something may have left them. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8Text } from '../../packages/gateway/src/application/byte-text.ts';
import { Hub } from '../../packages/gateway/src/application/dispatch/hub.ts';
import type { Bytes, Logger } from '../../packages/gateway/src/application/ports.ts';
import type { ClientReply } from '../../packages/gateway/src/application/calls/reply.ts';
import { LegacySession } from '../../packages/gateway/src/application/sessions/legacy-session.ts';
import { handleModern } from '../../packages/gateway/src/application/sessions/modern-client.ts';
import { NO_CAPABILITIES_KEY } from '../../packages/gateway/src/domain/protocol/capabilities.ts';
import { clientText } from '../../packages/gateway/src/domain/protocol/client-message.ts';
import type { JsonObject, Request } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { MemoryFiles } from '../../packages/gateway/src/infrastructure/state/memory-files.ts';
import { MemoryParkedCalls } from '../../packages/gateway/src/infrastructure/state/memory-parked-calls.ts';
import { AesSealer } from '../../packages/gateway/src/infrastructure/state/sealer.ts';
import { ScriptedLauncher, specOf } from '../../packages/gateway/test-kit/scripted-launcher.ts';
import { makeObject, makeValue } from '../engine/json-texts.ts';
import { quiet } from '../engine/quiet.ts';
import type { Random } from '../engine/random.ts';
import { shortLivedFolder } from '../engine/short-lived-folder.ts';
import { Broken, expect, type Target } from '../engine/target.ts';

const METHODS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
/** What is asked by what the catalogue says: names, URIs, templates, headers. */
const CALLS: readonly (readonly [method: string, params: JsonObject])[] = [
  ['tools/call', { name: 's__a', arguments: { a: 'x' } }],
  ['tools/call', { name: 'a', arguments: {} }],
  ['resources/read', { uri: 'x://a' }],
  ['resources/read', { uri: 'x://b/c?d=e' }],
  ['prompts/get', { name: 'b' }],
];
const SPEC = specOf({ id: 's', digest: 'd' });
const INFO = { name: 'fuzz', version: '1' };

class Subject {
  readonly #folder = shortLivedFolder();

  /** A gateway as it starts with this file, and what clients of both eras are shown. */
  async run(input: Buffer): Promise<void> {
    writeFileSync(join(this.#folder, 's.json'), input);
    const defects: string[] = [];
    const hub = hubWith(this.#folder, defects);
    try {
      const heard = [...legacyLists(hub), ...modernLists(hub)];
      await quiet(() => heard.filter(({ answers }) => answers.length > 0).length, 3);
      for (const { method, answers } of heard) {
        const isCall = CALLS.some(([called]) => called === method);
        expect(answers.length === 1 || (isCall && answers.length === 0), 'answered once', answers);
        for (const answer of answers) JSON.parse(answer);
      }
    } finally {
      await hub.close();
    }
    if (defects[0] !== undefined) throw new Broken(defects[0]);
  }

  close(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    return Promise.resolve();
  }
}

function hubWith(folder: string, defects: string[]): Hub {
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields, event) => void defects.push(`${event} ${String(fields['error'])}`),
  };
  const files = new MemoryFiles({ folder, onProblem: () => undefined });
  const launcher = new ScriptedLauncher({
    capabilities: { tools: {}, prompts: {}, resources: {} },
    behaviour: (method) => ({ result: METHODS.includes(method) ? EMPTY : {} }),
  });
  return new Hub({
    servers: [SPEC],
    launcher,
    clock: { nowMs: () => 1_000_000 },
    logger,
    random: () => 0.5,
    events: { record: () => undefined },
    callSettled: () => undefined,
    // Nothing is written: what a run begins with is its input.
    memory: { load: (spec) => files.load(spec), save: () => undefined },
    past: new Map(),
    info: INFO,
    modernMeta: {},
    parkedCalls: new MemoryParkedCalls(1),
    sealer: new AesSealer(),
    leaseWaitMs: 1_000,
    inFlightMax: 100,
    catalog: { firstListWaitMs: 0, ttlMs: 0, startConcurrency: 4 },
    toolAccess: { mode: 'hybrid', gatewayTools: 'both', naming: 'prefixed' },
  });
}

const EMPTY = { tools: [], prompts: [], resources: [], resourceTemplates: [] };

interface Asked {
  readonly method: string;
  /** One, if all is well. */
  readonly answers: readonly string[];
}

const LIST_CALLS = METHODS.map((method) => [method, {}] as const);

function legacyLists(hub: Hub): readonly Asked[] {
  return [undefined, 's'].flatMap((id) => {
    const endpoint = hub.fleet.endpoint(id);
    if (endpoint === undefined) return [];
    const client = {
      id: 'l',
      revision: '2025-11-25',
      endpoint,
      capabilities: {},
      clientInfo: undefined,
    };
    const session = new LegacySession(hub, client, { send: () => undefined });
    return [...LIST_CALLS, ...CALLS].map(([method, params]) => {
      const { request, text } = asked(method, params);
      const answers: string[] = [];
      session.request(request, text, replyInto(answers));
      return { method, answers };
    });
  });
}

function modernLists(hub: Hub): readonly Asked[] {
  return [undefined, 's'].flatMap((id) => {
    const endpoint = hub.fleet.endpoint(id);
    if (endpoint === undefined) return [];
    return [...LIST_CALLS, ['server/discover', {}] as const, ...CALLS].map(([method, params]) => {
      const answers: string[] = [];
      handleModern(hub, {
        ...asked(method, params),
        endpoint,
        principal: 'p',
        isOneClient: false,
        envelope: { capabilities: {}, logLevel: undefined },
        reply: replyInto(answers),
        header: () => undefined,
      });
      return { method, answers };
    });
  });
}

function asked(
  method: string,
  params: JsonObject,
): { request: Request; text: ReturnType<typeof clientText> } {
  const message = { jsonrpc: '2.0', id: 1, method, params };
  const text = clientText(JSON.stringify(message), message);
  return { request: { kind: 'request', id: 1, method, params }, text };
}

function replyInto(answers: string[]): ClientReply {
  const text = (parts: readonly Bytes[]): void => void answers.push(utf8Text(parts));
  return {
    send: () => undefined,
    answer: ({ before, after }) => text([...before, '1', ...after]),
    result: (result) => void answers.push(JSON.stringify(result)),
    body: (tail) => text(['{', tail]),
    refuse: (error) => void answers.push(JSON.stringify(error)),
    drop: () => void answers.push('null'),
  };
}

/** Of the catalogue that clients without capabilities see, as it stands in a file. */
const keyOf = (era: string): string => JSON.stringify(`${era} ${NO_CAPABILITIES_KEY}`);

const LISTED = ['"tools"', '"prompts"', '"resources"', '"resourceTemplates"'];

function makeItem(random: Random): string {
  const members = [
    `"name":${random.pick(['"a"', '"b"', makeValue(random)])}`,
    ...(random.once(2) ? [`"inputSchema":${makeObject(random, ['"type":"object"'], 3)}`] : []),
    ...(random.once(3) ? [`"outputSchema":${makeValue(random, 2)}`] : []),
    ...(random.once(3) ? [`"uri":${makeValue(random)}`] : []),
    ...(random.once(3)
      ? [`"uriTemplate":${random.pick(['"x://{a}"', '"{"', makeValue(random)])}`]
      : []),
  ];
  return random.once(8) ? makeValue(random) : makeObject(random, members, 3);
}

function makeFile(random: Random): string {
  const lists = LISTED.map(
    (list) =>
      `${list}:[${Array.from({ length: random.below(3) }, () => makeItem(random)).join(',')}]`,
  );
  const era = random.pick(['legacy', 'modern']);
  const hello = makeObject(random, ['"capabilities":{"tools":{},"prompts":{},"resources":{}}'], 3);
  const kept = `{"era":"${era}","hello":${hello},${lists.join(',')}}`;
  const key = random.once(8) ? makeValue(random) : keyOf(era);
  return `{"format":1,"digest":"d","eras":{"seenAtMs":999999,"legacy":true,"modern":${random.once(2)}},"catalogs":[[${key},${kept}]]}`;
}

const LISTS =
  '"tools":[{"name":"a","inputSchema":{"type":"object"}}],"prompts":[],"resources":[{"name":"r","uri":"x://a"}],"resourceTemplates":[{"name":"t","uriTemplate":"x://{a}"}]';

export const target: Target = {
  beginnings: [
    `{"format":1,"digest":"d","eras":{"seenAtMs":999999,"legacy":true},"catalogs":[[${keyOf('legacy')},{"era":"legacy","hello":{"capabilities":{"tools":{}},"instructions":"x"},${LISTS}}]]}`,
    `{"format":1,"digest":"d","eras":{"seenAtMs":1,"modern":true,"legacy":false},"catalogs":[[${keyOf('modern')},{"era":"modern","uncallable":["a",1],"hello":{"capabilities":{}},${LISTS}}]]}`,
    '{"format":2}',
    '',
  ],
  dictionary: [
    '"uncallable":[]',
    '"incomplete":"x"',
    '"name":"a"',
    '"name":{}',
    '"inputSchema":{"properties":{"a":{"x-mcp-header":"A"}}}',
    '"outputSchema":{"type":"array"}',
    '"uriTemplate":"{?a*}"',
    '"execution":{"taskSupport":"required"}',
    '"instructions":1',
    '"capabilities":1',
    '"_meta":{}',
    '"toString"',
    '"__proto__":{}',
    '[]',
    '{}',
    'null',
  ],
  make: makeFile,
  open: () => Promise.resolve(new Subject()),
};
