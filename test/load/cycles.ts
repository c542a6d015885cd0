/** Start, one call, stop: as often as is asked for, every session with a child of its own. */
import { LegacySession } from '../../packages/gateway/src/application/sessions/legacy-session.ts';
import type { ClientReply } from '../../packages/gateway/src/application/calls/reply.ts';
import type { Hub } from '../../packages/gateway/src/application/dispatch/hub.ts';
import { clientText } from '../../packages/gateway/src/domain/protocol/client-message.ts';
import { classify } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { HABITS, leakGateway, type Habit, type LeakGateway } from './leak-gateway.ts';
import { anonymousMib, becomesTrue, heapMib, livingOf, openFiles } from './resources.ts';

const LANES = 4;
const END_MS_MAX = 15_000;
/** Pipes are closed a moment after the exit that they are waited with. */
const FILES_MS_MAX = 2_000;
/** More than the longest back-off: the next start is due at once. */
const BACKOFF_MS = 120_000;

export interface Mark {
  readonly cycles: number;
  readonly anonymousMib: number;
  readonly heapMib: number;
  readonly files: number;
}

const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work"}}';

/** Resolves with whether the server answered. */
function call(session: LegacySession): Promise<boolean> {
  const value: unknown = JSON.parse(CALL);
  const message = classify(value);
  if (message.kind !== 'request') throw new Error('no request');
  return new Promise((resolve) => {
    const reply: ClientReply = {
      send: () => undefined,
      answer: () => resolve(true),
      result: () => resolve(true),
      body: () => resolve(true),
      refuse: () => resolve(false),
      drop: () => resolve(false),
    };
    session.request(message, clientText(CALL, value), reply);
  });
}

class Cycles {
  readonly leak: LeakGateway;
  readonly #hub: Hub;
  /** Open before the first cycle, and the guardian's pipe. */
  readonly #files = openFiles() + 1;
  readonly #clock: { nowMs: number };
  #next = 0;
  answered = 0;
  lost = 0;

  /** The gateway reads `clock`, which every cycle moves. */
  static async open(): Promise<Cycles> {
    const clock = { nowMs: 0 };
    const leak = await leakGateway({ sharing: 'session', nowMs: () => clock.nowMs });
    return new Cycles(leak, clock);
  }

  private constructor(leak: LeakGateway, clock: { nowMs: number }) {
    this.leak = leak;
    this.#clock = clock;
    this.#hub = leak.gateway.hub;
  }

  /** Runs on until so many cycles are done, and everything that they started is gone. */
  async runTo(cycles: number): Promise<void> {
    const lane = async (): Promise<void> => {
      while (this.#next < cycles) {
        const number = this.#next++;
        await this.#cycle(HABITS[number % HABITS.length] ?? 'raw', `session-${number}`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await this.#stopRecovered();
    if (!(await becomesTrue(() => this.#left().length === 0, END_MS_MAX)))
      throw new Error(`processes ${this.#left().join(', ')} are left`);
    await becomesTrue(() => openFiles() <= this.#files, FILES_MS_MAX);
  }

  /** What crashed is started again after some seconds, for whoever comes next: no cycle has left that child behind. */
  async #stopRecovered(): Promise<void> {
    for (const server of this.#hub.fleet.servers)
      if (server.spec.id === 'crash') await server.stop('user_request');
  }

  /** Children that are still there. */
  #left(): readonly number[] {
    return livingOf(-1, this.leak.groups);
  }

  async #cycle(habit: Habit, id: string): Promise<void> {
    const endpoint = this.#hub.fleet.endpoint(habit);
    if (endpoint === undefined) throw new Error(habit);
    this.#clock.nowMs += BACKOFF_MS;
    const client = { id, revision: '2025-11-25', endpoint, capabilities: {} };
    const outlet = { send: () => undefined };
    const session = new LegacySession(this.#hub, { ...client, clientInfo: undefined }, outlet);
    if (await call(session)) this.answered += 1;
    else this.lost += 1;
    session.close('the cycle is over');
  }
}

export interface CyclesReport {
  readonly marks: readonly Mark[];
  readonly answered: number;
  readonly lost: number;
  /** Processes that are left when the gateway is closed. */
  readonly processesLeft: number;
}

/** @param at after how many cycles memory is looked at, ascending; the last one ends the run */
export async function runCycles(at: readonly number[]): Promise<CyclesReport> {
  const cycles = await Cycles.open();
  const marks: Mark[] = [];
  for (const count of at) {
    await cycles.runTo(count);
    cycles.leak.groups.clear(); // ids of the dead belong to nobody, or soon to others
    const mark = { cycles: count, anonymousMib: await anonymousMib(), heapMib: heapMib() };
    marks.push({ ...mark, files: openFiles() });
  }
  await cycles.leak.gateway.close();
  const { answered, lost } = cycles;
  return { marks, answered, lost, processesLeft: livingOf(process.pid, cycles.leak.groups).length };
}
