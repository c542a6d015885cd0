/** The isolation property through the front doors: sessions, streams and ids over real sockets, and pipes beside. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compose, type Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import { capabilityKey } from '../../packages/gateway/src/domain/protocol/capabilities.ts';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { Tally, Violations } from './canary.ts';
import type { FrontClient, PlanStep } from './front-client.ts';
import { HttpTestClient } from './http-client.ts';
import { memoryLauncher } from './memory-launcher.ts';
import { StdioTestClient } from './stdio-client.ts';
import { ScriptedChild, type ChildWitness, type ReceivedCall } from './scripted-child.ts';

const RUNS = Math.ceil(Number(process.env['HANGAR_RUNS'] ?? 10_000) / 25);
const SEED = Number(process.env['HANGAR_SEED'] ?? Date.now() % 2 ** 31);
const LIMIT_MS = 60_000;

const MODES = [
  ['legacy', 'auto'],
  ['modern', 'auto'],
  ['legacy', 'shared'],
  ['legacy', 'session'],
  ['modern', 'session'],
] as const;
const CAPABILITIES: readonly JsonObject[] = [
  {},
  { sampling: {}, elicitation: {}, roots: {} },
  { sampling: {} },
];
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const clients = new Map<number, FrontClient>();
const violations = new Violations();
const tally = new Tally();
let gateway: Gateway;
let port = 0;
let nextClient = 0;

const WITNESS: ChildWitness = {
  violations,
  tally,
  active: () => undefined,
  answered: () => undefined,
  cancelled: () => undefined,
  declared: ({ client }) => capabilityKey(clients.get(client)?.options.capabilities ?? {}),
  canonical: capabilityKey,
  rounds: new Map(),
  principal: ({ client }) => clients.get(client)?.principal ?? '',
  isLegacy: ({ client }) => clients.get(client)?.options.era === 'legacy',
  received: (child, call, args) => void carryOut(child, call, args['plan'] as PlanStep[]),
};

/** What the client asked its server to do, one thing a turn, and a late log message at the end. */
async function carryOut(
  child: ScriptedChild,
  call: ReceivedCall,
  plan: readonly PlanStep[],
): Promise<void> {
  for (const step of [...plan, 'answer', 'log'] as const) {
    await turn();
    if (step === 'answer') child.answer(call, 'result');
    else if (step === 'progress') child.progress(call);
    else if (step === 'log') child.log(call);
    else child.ask(call, step);
    // Some servers wait for the answer, others go on without it.
    const { canary } = call;
    while (canary.request % 2 === 0 && child.running && child.isAsking(canary)) await turn();
  }
}

beforeAll(async () => {
  console.log(`seed ${SEED}, ${RUNS} runs (HANGAR_SEED, HANGAR_RUNS)`);
  const servers = MODES.map(
    ([era, sharing]) =>
      `  ${era}-${sharing}: { command: [none], sharing: ${sharing}, leased_children_max: 4 }`,
  );
  const text = `mcp_servers:\n${servers.join('\n')}\nlimits: { sessions_max: 200 }\n`;
  const loaded = loadGatewayConfig({ text, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const config = { ...loaded.value, http: { ...loaded.value.http, port: 0 } };
  let number = 0;
  const launcher = memoryLauncher(({ id, sharing }) => {
    const era = id.startsWith('modern') ? 'modern' : 'legacy';
    number += 1;
    return new ScriptedChild({ serverId: id, number, era, sharing, witness: WITNESS });
  });
  gateway = await compose(config, { logger: QUIET, launcher });
  port = await gateway.listen();
});
afterAll(() => gateway.close());

interface HttpScene {
  readonly clients: readonly (readonly [choice: number, plans: readonly (readonly PlanStep[])[]])[];
}

const step = fc.constantFrom<PlanStep>('progress', 'log', 'sampling', 'elicitation', 'roots');
const plans = fc.array(fc.array(step, { maxLength: 4 }), { minLength: 1, maxLength: 3 });
const scenes: fc.Arbitrary<HttpScene> = fc.record({
  clients: fc.array(fc.tuple(fc.nat(1_023), plans), { minLength: 2, maxLength: 4 }),
});

/** One client in four is on a pipe. */
function newClient(choice: number): FrontClient {
  const [era, sharing] = MODES[choice % MODES.length] ?? ['legacy', 'auto'];
  const options = {
    number: nextClient++,
    era: choice & 32 ? 'legacy' : 'modern',
    capabilities: CAPABILITIES[(choice >> 6) % CAPABILITIES.length] ?? {},
    serverId: `${era}-${sharing}`,
    prefixed: (choice & 16) !== 0,
    wantsLogs: choice >> 8 === 1,
  } as const;
  const client =
    (choice & 3) === 0
      ? new StdioTestClient(gateway, options, violations, tally)
      : new HttpTestClient(port, options, violations, tally);
  tally.count(client instanceof StdioTestClient ? 'client on a pipe' : 'client over HTTP');
  clients.set(client.options.number, client);
  return client;
}

const holds = async (scene: HttpScene): Promise<void> => {
  const own = scene.clients.map(([choice]) => newClient(choice));
  await Promise.all(own.map((client) => client.open()));
  const calls = scene.clients.flatMap(([, plansOf], at) =>
    plansOf.map((plan) => own[at]?.call(plan)),
  );
  const [first, second] = own;
  for (const id of first?.questions ?? []) second?.replyTo(id);
  const elsewhere = first?.path === second?.path ? undefined : second?.sessionId;
  await Promise.all([...calls, first?.forge(elsewhere)]);
  for (const id of second?.questions ?? []) first?.replyTo(id);
  await Promise.all(own.map((client, at) => client.close(at % 2 === 0)));
  violations.check();
};

test(
  'through the front door nobody sees what belongs to another one',
  async () => {
    await fc.assert(fc.asyncProperty(scenes, holds), { numRuns: RUNS, seed: SEED });
    console.log(`received: ${tally.toString()}`);
    expect(gateway.hub.inFlight).toBe(0);
    for (const where of ['client on a pipe', 'client over HTTP'])
      expect(tally.of(where)).not.toBe(0);
    expect(tally.of('retry')).not.toBe(0);
    for (const what of ['progress', 'message'])
      expect(tally.of(`notifications/${what}`)).not.toBe(0);
    for (const what of ['sampling/createMessage', 'elicitation/create', 'roots/list'])
      expect(tally.of(what)).not.toBe(0);
  },
  LIMIT_MS,
);
