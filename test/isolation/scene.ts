/** What one run of the isolation property is made of: servers, clients, and what happens, as plain numbers. */
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import type { GatewayConfig } from '../../packages/gateway/src/bootstrap/config/gateway-config.ts';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import type { Era } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import type { Answering } from './parked-state.ts';
import type { AnswerKind, Asking } from './scripted-child.ts';

type Sharing = 'auto' | 'shared' | 'session';

/** One thing that happens next: what, and two numbers that choose where. */
export type Step = readonly [what: number, a: number, b: number];

export interface Scene {
  /** Which of the modes have a server; at least one. */
  readonly servers: readonly number[];
  /** Era, capabilities, endpoint, log wish and principal of each client, as one number. */
  readonly clients: readonly number[];
  readonly steps: readonly Step[];
  readonly leasedChildrenMax: number;
  /** Whether servers answer what is left at the end, and clients what they are asked, or all is left to its limits. */
  readonly servedToTheEnd: boolean;
}

export const MODES: readonly (readonly [Era, Sharing])[] = [
  ['legacy', 'auto'],
  ['modern', 'auto'],
  ['legacy', 'session'],
  ['legacy', 'shared'],
  ['modern', 'session'],
  ['modern', 'shared'],
];
export const IDS: readonly string[] = MODES.map(([era, sharing]) => `${era}-${sharing}`);

const CAPABILITIES: readonly JsonObject[] = [
  {},
  { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} },
  { sampling: {} },
  { roots: { listChanged: true }, elicitation: {} },
];

/** The bits that a client is drawn from. */
export const CLIENT_BITS = { era: 1, capabilities: 6, endpoint: 8, logs: 48, principal: 512 };

export interface ClientChoice {
  readonly isModern: boolean;
  readonly capabilities: JsonObject;
  readonly isOnAll: boolean;
  readonly wantsLogs: boolean;
  readonly isOneClient: boolean;
  readonly server: number;
}

export const clientChoice = (bits: number): ClientChoice => ({
  isModern: (bits & CLIENT_BITS.era) !== 0,
  capabilities: CAPABILITIES[(bits & CLIENT_BITS.capabilities) >> 1] ?? {},
  isOnAll: (bits & CLIENT_BITS.endpoint) === 0,
  wantsLogs: (bits & CLIENT_BITS.logs) === 0,
  isOneClient: (bits & CLIENT_BITS.principal) !== 0,
  server: bits >> 6,
});

/** Ten looks at a limit are a second apart, as far as they ever are: fewer would only be more turns of the clock. */
export const CALL_TIMEOUT_MS = 10_000;

function newConfig(): GatewayConfig {
  const servers = IDS.map((id) => {
    const sharing = id.split('-')[1];
    return `  ${id}: { command: [none], sharing: ${sharing}, call_timeout_s: ${CALL_TIMEOUT_MS / 1_000}, idle_ttl_s: 60 }`;
  });
  const loaded = loadGatewayConfig({ text: `mcp_servers:\n${servers.join('\n')}\n`, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}
export const CONFIG: GatewayConfig = newConfig();

export const KINDS: readonly AnswerKind[] = ['result', 'result', 'error', 'more', 'more'];
export const ASKINGS: readonly Asking[] = ['sampling', 'elicitation', 'roots'];
export const ANSWERINGS: readonly Answering[] = [
  'all',
  'all',
  'all',
  'all',
  'some',
  'none',
  'wrong keys',
  'flawed',
  'declined',
];

/** How often each thing happens, against the others. */
const WEIGHTS = {
  call: 6,
  answer: 4,
  progress: 2,
  log: 3,
  ask: 5,
  reply: 5,
  'reply to another': 1,
  replay: 2,
  misdirect: 1,
  steal: 1,
  tamper: 1,
  cancel: 2,
  'cancel late': 1,
  leave: 1,
  crash: 1,
  subscribe: 2,
  unsubscribe: 1,
  update: 2,
  list: 1,
  'set level': 1,
  moment: 3,
  wait: 1,
  'take back': 2,
  'progress on question': 1,
} as const;

export type What = keyof typeof WEIGHTS;

export const WHAT: readonly What[] = Object.entries(WEIGHTS).flatMap(([what, weight]) =>
  Array.from({ length: weight }, () => what as What),
);

export const pick = <T>(list: readonly T[], at: number): T | undefined =>
  list.length === 0 ? undefined : list[at % list.length];
