/** What must hold of all calls of one run, whoever made them and whatever became of them. */
import type { Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import {
  canariesIn,
  canaryText,
  isOf,
  ownerText,
  type Canary,
  type Tally,
  type Violations,
} from './canary.ts';
import type { LegacyTestClient } from './legacy-client.ts';
import type { ModernTestClient } from './modern-client.ts';
import type { ParkedState } from './parked-state.ts';
import type { ScriptedChild } from './scripted-child.ts';
import type { TestRequest } from './test-request.ts';

export type Client = LegacyTestClient | ModernTestClient;

export interface OracleWorld {
  readonly hub: Gateway['hub'];
  readonly clients: readonly Client[];
  readonly children: readonly ScriptedChild[];
  readonly violations: Violations;
  readonly tally: Tally;
  readonly nowMs: () => number;
}

export class Oracle {
  readonly #world: OracleWorld;
  /** Of which a server was told that they are cancelled, though their clients had not said so. */
  readonly #cancelled = new Set<TestRequest>();

  constructor(world: OracleWorld) {
    this.#world = world;
  }

  /** A server has answered: whoever waits, or comes back in time, must get that. */
  answered(canary: Canary): void {
    const request = this.#request(canary);
    if (request === undefined || request.isGivenUp) return;
    const parked = this.#parked(request);
    if (request.leg.outcome === undefined) request.leg.isOwed = true;
    else if (parked !== undefined) {
      parked.isOwed = true;
      this.#world.tally.count('answered while parked');
    }
  }

  /** A server was told that a call is cancelled. Nobody's is cancelled for somebody else. */
  cancelled(canary: Canary, child: ScriptedChild): void {
    const request = this.#request(canary);
    if (request === undefined || request.isGivenUp) return;
    const parked = this.#parked(request);
    const { violations, tally, nowMs } = this.#world;
    if (parked === undefined) this.#cancelled.add(request.leg);
    else if (parked.expiresAtMs <= nowMs()) tally.count('expired while parked');
    else if (!child.isAsking(canary)) tally.count('timed out while parked');
    else violations.add(`the parked call of ${canaryText(canary, canary.request)} was cancelled`);
  }

  crashes(child: ScriptedChild): void {
    const isParked = child.calls.some(({ state, canary }) => {
      const request = state === 'open' ? this.#request(canary) : undefined;
      return request !== undefined && this.#parked(request) !== undefined;
    });
    if (isParked) this.#world.tally.count('crash while parked');
  }

  /** Whether no server works on this call any more. */
  isLost(canary: Canary): boolean {
    return this.#world.children.every(({ running, calls }) =>
      calls.every((call) => !isSame(call.canary, canary) || !running || call.state === 'cancelled'),
    );
  }

  isWaiting(): boolean {
    const { hub, clients } = this.#world;
    const calls = clients.some(({ waiting }) => waiting.some((call) => !call.isGivenUp));
    const isBusy = hub.fleet.servers.some(({ running }) =>
      running.some(({ asking, inFlight }) => asking > 0 || inFlight > 0),
    );
    return calls || isBusy || hub.parking.list().length > 0;
  }

  /** When every limit has passed. */
  checkSettled(): void {
    const { clients, violations, hub } = this.#world;
    for (const client of clients) {
      for (const request of client.requests) this.#checkRequest(request);
      const roots = client.requests.filter(
        (request) => request.root === request && request.sent.brings === undefined,
      );
      for (const root of roots) this.#checkCall(client, root);
    }
    for (const { text, canary } of this.#cancelled)
      if (!text.includes('call_timeout_s') && !text.includes('INPUT_ROUNDS_EXCEEDED'))
        violations.add(`the call of ${ownerText(canary)} was cancelled and ended: ${text}`);
    this.#checkServed();
    if (hub.inFlight !== 0) violations.add(`${hub.inFlight} calls are left over`);
    const parked = hub.parking.list().length;
    if (parked !== 0) violations.add(`${parked} calls are left parked`);
    for (const child of hub.fleet.servers.flatMap(({ running }) => running)) {
      const { inFlight, asking, isParked } = child;
      if (inFlight !== 0 || asking !== 0 || isParked)
        violations.add(`a child is left with ${inFlight} calls, ${asking} questions, ${isParked}`);
    }
  }

  #checkRequest({ canary, method, outcome, isGivenUp, isOwed, text }: TestRequest): void {
    const { violations } = this.#world;
    const who = `${ownerText(canary)} ${method} ${canary.request}`;
    if (outcome === undefined && !isGivenUp) violations.add(`${who} was never answered`);
    const isOwn = canariesIn(text).length > 0 || text.includes(EXCUSE);
    if (isOwed && !isGivenUp && !isOwn)
      violations.add(`${who} was answered by its server and got ${text}`);
  }

  /** However many requests a call took, it ends once; or it is left parked by its client. */
  #checkCall(client: Client, root: TestRequest): void {
    const legs = client.requests.filter((request) => request.root === root);
    const ends = legs.filter(isEnd).length;
    const states = client.era === 'modern' ? client.states : [];
    const isLeft = states.some((state) => state.root === root && state.status !== 'used');
    if (ends > 1 || (ends === 0 && !root.isGivenUp && !isLeft))
      this.#world.violations.add(
        `the call ${canaryText(root.canary, root.canary.request)} ended ${ends} times`,
      );
  }

  /** A legacy server gets a call once; where it sent its client to a page, once more for each time. */
  #checkServed(): void {
    const { clients, children, violations } = this.#world;
    const served = new Map<string, { readonly canary: Canary; times: number }>();
    for (const { canary } of children.flatMap(({ options, calls }) =>
      options.era === 'legacy' ? calls : [],
    )) {
      const name = canaryText(canary, canary.request);
      const entry = served.get(name) ?? { canary, times: 0 };
      served.set(name, { canary, times: entry.times + 1 });
    }
    for (const [name, { canary, times }] of served) {
      const client = clients[canary.client];
      const anew = client?.era === 'modern' ? client.madeAnew(canary) : 0;
      if (times > 1 + anew) violations.add(`${name} reached its server ${times} times`);
    }
  }

  #request({ client, generation, request }: Canary): TestRequest | undefined {
    const found = this.#world.clients[client]?.requests[request];
    return found?.canary.generation === generation ? found : undefined;
  }

  #parked(root: TestRequest): ParkedState | undefined {
    const client = this.#world.clients[root.canary.client];
    if (client?.era !== 'modern') return undefined;
    return client.open.find((state) => state.root === root && state.isParked);
  }
}

const isSame = (a: Canary, b: Canary): boolean => isOf(a, b) && a.request === b.request;

/** Of an answer of a server that the gateway may turn into something without a name. */
const EXCUSE = '"requiredCapabilities"';

/** The answer after which nothing follows: no question, and no refusal that leaves things as they were. */
function isEnd(leg: TestRequest): boolean {
  if (leg.outcome === undefined || leg.outcome === 'nothing') return false;
  if (leg.sent.brings?.mustFail !== undefined) return false;
  if (leg.text.includes('Invalid params: inputResponses[')) return false;
  return leg.result?.['resultType'] !== 'input_required';
}
