import {
  FLOOR_COMMAND,
  GATES_OFF,
  GATES_ON,
  otherArm,
  SPLICING_FLOOR_COMMAND,
  startDirectArm,
  startHttpArm,
  startStdioArm,
  STDIO_FLOOR_COMMAND,
  STDIO_GATEWAY_COMMAND,
  type Arm,
  type Command,
  type Era,
} from './arms.ts';
import { modernClient } from './client.ts';
import type { QuietGate } from './quiet.ts';
import { callsPerSecond, cpuUsPerCall, p50Ms, runBlock, type Block, type Load } from './measure.ts';

/**
 * The figures of the bench. A ratio is the gateway's value over the floor's, taken in the same round. Between eras
 * the floor is the gateway itself, with a server of the client's own era. ML is a modern client with a legacy
 * server, LM the opposite.
 */
export const FIGURES = {
  addedP50: { title: 'added p50, echo 100 B', unit: 'µs', better: 'lower', target: 1.3 },
  callsPerSecond: { title: 'calls/s, 64 in flight', unit: '/s', better: 'higher', target: 0.6 },
  result1Mb: { title: 'p50, 1 MB result', unit: 'µs', better: 'lower', target: 1.3 },
  toolsList: { title: 'p50, tools/list 100 × 20', unit: 'µs', better: 'lower', target: 1.2 },
  // Over pipes the floor adds little but two writes, so these ratios say little; the times are below those over HTTP.
  stdioAddedP50: { title: 'stdio: added p50', unit: 'µs', better: 'lower', target: undefined },
  stdioCallsPerSecond: {
    title: 'stdio: calls/s, 64 in flight',
    unit: '/s',
    better: 'higher',
    target: undefined,
  },
  cpuSequential: {
    title: 'CPU/call, one at a time',
    unit: 'µs',
    better: 'lower',
    target: undefined,
  },
  cpuConcurrent: {
    title: 'CPU/call, 64 in flight',
    unit: 'µs',
    better: 'lower',
    target: undefined,
  },
  cpuBridgeMl: {
    title: 'CPU/call, ML over MM, 64 in flight',
    unit: 'µs',
    better: 'lower',
    target: 1.5,
  },
  cpuBridgeLm: {
    title: 'CPU/call, LM over LL, 64 in flight',
    unit: 'µs',
    better: 'lower',
    target: 1.5,
  },
  // Each call has a legacy child to itself, in case that asks something.
  cpuBridgeMlAsking: {
    title: 'CPU/call, ML over MM, asking client, 4 in flight',
    unit: 'µs',
    better: 'lower',
    target: undefined,
  },
  // The floor is the gateway that records nothing and limits nothing.
  cpuGates: {
    title: 'CPU/call, limits, breaker and events over none',
    unit: 'µs',
    better: 'lower',
    target: 1.25,
  },
} as const satisfies Record<string, FigureRule>;

export type FigureId = keyof typeof FIGURES;

export interface FigureRule {
  readonly title: string;
  readonly unit: 'µs' | '/s';
  readonly better: 'lower' | 'higher';
  /** The ratio that the gateway must not be worse than. */
  readonly target: number | undefined;
}

/** One round's values of a figure. */
export interface Sample {
  readonly direct: number | undefined;
  readonly floor: number;
  readonly gateway: number;
  readonly ratio: number;
}

export type Samples = Readonly<Record<FigureId, readonly Sample[]>>;

export interface Plan {
  readonly gateway: Command;
  readonly rounds: number;
  readonly warmUpMs: number;
  /** Time for one block of calls; twice that with many in flight. */
  readonly blockMs: number;
  /** Passed before each round. */
  readonly quiet: QuietGate;
  readonly say: (line: string) => void;
}

const LISTED_UPSTREAMS = Array<Era>(100).fill('legacy');
const TOOLS_PER_UPSTREAM = 20;
const WARM_UP_IN_FLIGHT = 16;
const MANY_IN_FLIGHT = 64;
const ASKING_IN_FLIGHT = 4;
const CALLS_MIN = 20;

const textOf = (answer: unknown): unknown =>
  (answer as { result?: { content?: { text?: unknown }[] } }).result?.content?.[0]?.text; // undefined is a wrong answer

const callOf = (tool: string, given: object, text: string): Load => ({
  method: 'tools/call',
  params: (toolName) => JSON.stringify({ name: toolName(tool), arguments: given }),
  isRight: (answer) => textOf(answer) === text,
});
const TEXT = 'x'.repeat(100);
const ECHO = callOf('echo', { text: TEXT }, TEXT);
const MEGABYTE = callOf('generate', { length: 1_000_000 }, 'x'.repeat(1_000_000));
const LIST: Load = {
  method: 'tools/list',
  params: () => '{}',
  isRight: (answer) =>
    (answer as { result?: { tools?: unknown[] } }).result?.tools?.length ===
    LISTED_UPSTREAMS.length * TOOLS_PER_UPSTREAM,
};

/** One block for each arm, in that order on even rounds and in the opposite one on odd rounds. */
async function inTurn(
  arms: readonly Arm[],
  round: number,
  measure: (arm: Arm) => Promise<Block>,
): Promise<readonly Block[]> {
  const blocks = new Map<Arm, Block>();
  for (const arm of round % 2 === 0 ? arms : arms.toReversed()) blocks.set(arm, await measure(arm));
  return arms.flatMap((arm) => blocks.get(arm) ?? []);
}

async function warmUp(arms: readonly Arm[], load: Load, plan: Plan): Promise<void> {
  for (const arm of arms) {
    const size = { inFlight: WARM_UP_IN_FLIGHT, ms: plan.warmUpMs, callsMin: CALLS_MIN };
    await runBlock(arm, load, size);
  }
}

const sampleOf = (
  [floor, gateway]: readonly Block[],
  valueOf: (block: Block) => number,
): Sample[] => {
  if (!floor || !gateway) return [];
  const [of, at] = [valueOf(floor), valueOf(gateway)];
  return [{ direct: undefined, floor: of, gateway: at, ratio: at / of }];
};

const p50Us = (block: Block): number => p50Ms(block) * 1000;

/** What floor and gateway add to the pipe, from blocks of direct, floor and gateway. */
function addedSample([direct, floor, gateway]: readonly Block[]): Sample[] {
  if (!direct || !floor || !gateway) return [];
  const [bare, of, at] = [p50Us(direct), p50Us(floor), p50Us(gateway)];
  return [{ direct: bare, floor: of, gateway: at, ratio: (at - bare) / (of - bare) }];
}

type CallFigures = 'addedP50' | 'callsPerSecond' | 'cpuSequential' | 'cpuConcurrent';

async function measureHttp(plan: Plan): Promise<Pick<Samples, CallFigures>> {
  await using floor = await startHttpArm('floor', FLOOR_COMMAND);
  await using gateway = await startHttpArm('gateway', plan.gateway);
  return await measureCalls(floor, gateway, plan); // awaited here: both end with this block
}

async function measureStdio(
  plan: Plan,
): Promise<Pick<Samples, 'stdioAddedP50' | 'stdioCallsPerSecond'>> {
  await using floor = await startStdioArm('stdio floor', STDIO_FLOOR_COMMAND);
  await using gateway = await startStdioArm('stdio gateway', STDIO_GATEWAY_COMMAND);
  const { addedP50, callsPerSecond: perSecond } = await measureCalls(floor, gateway, plan);
  return { stdioAddedP50: addedP50, stdioCallsPerSecond: perSecond };
}

async function measureCalls(
  floor: Arm,
  gateway: Arm,
  plan: Plan,
): Promise<Pick<Samples, CallFigures>> {
  await using direct = await startDirectArm();
  await warmUp([direct, floor, gateway], ECHO, plan);
  const addedP50: Sample[] = [];
  const cpuSequential: Sample[] = [];
  const perSecond: Sample[] = [];
  const cpuConcurrent: Sample[] = [];
  const one = { inFlight: 1, ms: plan.blockMs, callsMin: CALLS_MIN };
  const many = { inFlight: MANY_IN_FLIGHT, ms: plan.blockMs * 2, callsMin: CALLS_MIN };
  for (let round = 0; round < plan.rounds; round += 1) {
    plan.say(`calls, round ${round + 1} of ${plan.rounds}`);
    await plan.quiet.wait();
    const echoes = await inTurn([direct, floor, gateway], round, (arm) => runBlock(arm, ECHO, one));
    addedP50.push(...addedSample(echoes));
    cpuSequential.push(...sampleOf(echoes.slice(1), cpuUsPerCall));
    const loads = await inTurn([floor, gateway], round, (arm) => runBlock(arm, ECHO, many));
    perSecond.push(...sampleOf(loads, callsPerSecond));
    cpuConcurrent.push(...sampleOf(loads, cpuUsPerCall));
  }
  return { addedP50, cpuSequential, callsPerSecond: perSecond, cpuConcurrent };
}

/** The p50 of one load, one call at a time, against the splicing floor, with processes of its own. */
async function measureAlone(
  load: Load,
  upstreams: readonly Era[],
  plan: Plan,
): Promise<readonly Sample[]> {
  plan.say(`starting ${upstreams.length} upstreams, twice`);
  await using floor = await startHttpArm('splicing floor', SPLICING_FLOOR_COMMAND, upstreams);
  await using gateway = await startHttpArm('gateway', plan.gateway, upstreams);
  await warmUp([floor, gateway], load, plan);
  const samples: Sample[] = [];
  const one = { inFlight: 1, ms: plan.blockMs, callsMin: CALLS_MIN };
  for (let round = 0; round < plan.rounds; round += 1) {
    plan.say(`${load.method}, round ${round + 1} of ${plan.rounds}`);
    await plan.quiet.wait();
    const blocks = await inTurn([floor, gateway], round, (arm) => runBlock(arm, load, one));
    samples.push(...sampleOf(blocks, p50Us));
  }
  return samples;
}

type BridgeFigures = 'cpuBridgeMl' | 'cpuBridgeLm' | 'cpuBridgeMlAsking';

/** One gateway between clients and servers of both eras. */
async function measureBridge(plan: Plan): Promise<Pick<Samples, BridgeFigures>> {
  await using ll = await startHttpArm('LL', plan.gateway, ['legacy', 'modern']);
  const modern = modernClient(ll.port);
  const asking = modernClient(ll.port, { elicitation: {} });
  const lm = otherArm(ll, 'LM', ll.client, 1);
  const [mm, ml] = [otherArm(ll, 'MM', modern, 1), otherArm(ll, 'ML', modern, 0)];
  const [mmAsking, mlAsking] = [otherArm(mm, 'MM', asking, 1), otherArm(ml, 'ML', asking, 0)];
  const cells = [mm, ml, ll, lm];
  const half = { ...plan, warmUpMs: plan.warmUpMs / 2 }; // they have most of the way in common
  await warmUp([...cells, mmAsking, mlAsking], ECHO, half);
  const samples: Record<BridgeFigures, Sample[]> = {
    cpuBridgeMl: [],
    cpuBridgeLm: [],
    cpuBridgeMlAsking: [],
  };
  const many = { inFlight: MANY_IN_FLIGHT, ms: plan.blockMs, callsMin: CALLS_MIN };
  const few = { ...many, inFlight: ASKING_IN_FLIGHT };
  for (let round = 0; round < plan.rounds; round += 1) {
    plan.say(`between eras, round ${round + 1} of ${plan.rounds}`);
    await plan.quiet.wait();
    const blocks = await inTurn(cells, round, (arm) => runBlock(arm, ECHO, many));
    samples.cpuBridgeMl.push(...sampleOf(blocks.slice(0, 2), cpuUsPerCall));
    samples.cpuBridgeLm.push(...sampleOf(blocks.slice(2), cpuUsPerCall));
    const asked = await inTurn([mmAsking, mlAsking], round, (arm) => runBlock(arm, ECHO, few));
    samples.cpuBridgeMlAsking.push(...sampleOf(asked, cpuUsPerCall));
  }
  modern.close();
  asking.close();
  return samples;
}

/** Two gateways, one with everything on that a call can pass, where nothing of it holds the call up. */
async function measureGates(plan: Plan): Promise<readonly Sample[]> {
  await using off = await startHttpArm('gates off', plan.gateway, ['legacy'], GATES_OFF);
  await using on = await startHttpArm('gates on', plan.gateway, ['legacy'], GATES_ON);
  const samples: Sample[] = [];
  const many = { inFlight: MANY_IN_FLIGHT, ms: plan.blockMs * 2, callsMin: CALLS_MIN };
  // One of them has more to compile.
  for (const arm of [off, on]) await runBlock(arm, ECHO, { ...many, ms: plan.warmUpMs * 2 });
  for (let round = 0; round < plan.rounds; round += 1) {
    plan.say(`gates, round ${round + 1} of ${plan.rounds}`);
    await plan.quiet.wait();
    const blocks = await inTurn([off, on], round, (arm) => runBlock(arm, ECHO, many));
    samples.push(...sampleOf(blocks, cpuUsPerCall));
  }
  return samples;
}

/**
 * Runs the bench. Each part has its own processes: memory that large answers leave behind would be
 * collected during small ones. Rejects when an arm does not start, gives a wrong answer or none.
 */
export async function measureAll(plan: Plan): Promise<Samples> {
  const calls = await measureHttp(plan);
  const stdio = await measureStdio(plan);
  const result1Mb = await measureAlone(MEGABYTE, ['legacy'], plan);
  const toolsList = await measureAlone(LIST, LISTED_UPSTREAMS, plan);
  const bridge = await measureBridge(plan);
  const cpuGates = await measureGates(plan);
  return { ...calls, ...stdio, result1Mb, toolsList, ...bridge, cpuGates };
}
