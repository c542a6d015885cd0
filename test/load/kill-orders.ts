/**
 * Gateways of one configuration, killed in random orders while their clients call.
 *
 *   node test/load/kill-orders.ts [--orders 100] [--seed 1]
 *
 * For each order: stdio and HTTP gateways start in random order, every stdio client calls all the time, and one gateway
 * after the other ends: killed, asked to, or left by its client. Every call whose own gateway lives has exactly one
 * answer, no call runs twice, and in the end nothing runs and the state folder can be used.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { verifyEventLog } from '../../packages/eventing/src/verify.ts';
import { takeOwnerLock } from '../../packages/gateway/src/infrastructure/state/owner-lock.ts';
import { textOf } from '../support/clients.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { seeded, type Random } from '../support/random.ts';
import type { StdioClient } from '../support/stdio.ts';
import { until, within } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const LANES = 3;
const STDIO_MAX = 4;
/** Calls that each survivor must have answered after a kill before the next one. */
const CALLS_BETWEEN_MAX = 12;
const ANSWER_MS_MAX = 30_000;
const FREE_MS_MAX = 1_000;
const FOLDER_FILES: ReadonlySet<string> = new Set([
  'catalogs',
  'events.db',
  'events.db-journal', // of a writer that was killed while it made the log; the next one takes it away
  'events.db-shm',
  'events.db-wal',
  'hangar.sock',
  'owner.db',
  'owner.json',
  'owner.json.new',
]);
/** Errors that say that the call may be made again. */
const RETRYABLE: ReadonlySet<unknown> = new Set([
  'GATEWAY_ENDED',
  'GATEWAY_STOPPING',
  'UPSTREAM_ENDED',
  'MCP_SERVER_BACKING_OFF',
]);

export interface KillReport {
  readonly orders: number;
  readonly calls: number;
  readonly answered: number;
  /** Answered with an error that says: call again. */
  readonly toldToRetry: number;
  /** A sentence each. */
  readonly problems: readonly string[];
}

/** One stdio client that calls all the time, a few calls at a time. */
class Caller {
  readonly name: string;
  readonly client: StdioClient;
  readonly problems: string[] = [];
  calls = 0;
  answered = 0;
  toldToRetry = 0;
  #isLeaving = false;
  readonly #lanes: Promise<void>;

  constructor(name: string, client: StdioClient) {
    this.name = name;
    this.client = client;
    this.#lanes = this.#run();
  }

  /** Makes no more calls, and waits for the answers to those that were made. */
  async finish(): Promise<void> {
    this.#isLeaving = true;
    await this.#lanes;
  }

  /** Its gateway is killed: what is not answered now never will be. */
  abandon(): void {
    this.#isLeaving = true;
    this.client.child.kill('SIGKILL');
  }

  async #run(): Promise<void> {
    await this.client.initialize();
    await Promise.all(Array.from({ length: LANES }, (_, lane) => this.#lane(lane)));
  }

  async #lane(lane: number): Promise<void> {
    for (let n = 0; !this.#isLeaving; n += 1) {
      const token = `${this.name}/${lane}/${n}`;
      this.calls += 1;
      const ended = this.client.exited.then(() => undefined);
      const call = within(token, this.client.call('up__echo', { token }), ANSWER_MS_MAX);
      const answer = await Promise.race([call, ended]).catch((error: unknown) => String(error));
      call.catch(() => undefined);
      if (answer === undefined) return; // it was killed
      if (typeof answer === 'string') this.problems.push(`lost: ${answer}`);
      else this.#check(token, answer);
    }
  }

  #check(token: string, answer: Message): void {
    const data = answer.error?.data;
    const code =
      typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
    if (answer.error === undefined && textOf(answer).includes(`"${token}"`)) this.answered += 1;
    else if (RETRYABLE.has(code)) this.toldToRetry += 1;
    else this.problems.push(`${token}: ${JSON.stringify(answer)}`);
  }

  /** Ids that were answered more than once. */
  doubles(): readonly string[] {
    const ids = this.client.messages.flatMap(({ id, method }) =>
      method === undefined && id !== undefined && id !== null ? [id] : [],
    );
    return ids.length === new Set(ids).size ? [] : [`${this.name}: an id was answered twice`];
  }
}

type Member =
  | { readonly kind: 'stdio'; readonly caller: Caller }
  | { readonly kind: 'http'; readonly gateway: GatewayProcess };

async function end(member: Member, random: Random): Promise<void> {
  const way = random();
  if (member.kind === 'http') {
    if (way < 0.6) member.gateway.kill();
    else await member.gateway.stop();
  } else if (way < 0.6) {
    member.caller.abandon();
  } else if (way < 0.8) {
    // What is in flight when the signal comes is answered.
    member.caller.client.child.kill('SIGTERM');
    await member.caller.finish();
  } else {
    await member.caller.finish();
    await member.caller.client.end();
  }
}

async function oneOrder(home: Household, random: Random): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  const members: Member[] = [];
  const stdioCount = 2 + Math.floor(random() * (STDIO_MAX - 1));
  const kinds = Array.from({ length: stdioCount }, () => 'stdio');
  kinds.splice(Math.floor(random() * (stdioCount + 1)), 0, 'http');
  for (const kind of kinds) {
    if (kind === 'http') members.push({ kind, gateway: await home.http() });
    else {
      const caller = new Caller(`c${callers.length}`, home.start());
      callers.push(caller);
      members.push({ kind: 'stdio', caller });
      // Some start while others still do.
      if (random() < 0.5) await until('it calls', () => caller.answered > 0, ANSWER_MS_MAX);
    }
  }
  while (members.length > 0) {
    const goals = members.flatMap((member) =>
      member.kind === 'stdio'
        ? [
            {
              caller: member.caller,
              answered: member.caller.answered + Math.ceil(random() * CALLS_BETWEEN_MAX),
            },
          ]
        : [],
    );
    await until(
      'survivors are served',
      () => goals.every(({ caller, answered }) => caller.answered >= answered),
      ANSWER_MS_MAX,
    );
    const [member] = members.splice(Math.floor(random() * members.length), 1);
    if (member !== undefined) await end(member, random);
  }
  await Promise.all(callers.map((caller) => caller.finish()));
  return callers;
}

/** Files of catalogues that are not whole. */
function brokenCatalogs(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      try {
        JSON.parse(readFileSync(join(folder, name), 'utf8'));
        return [];
      } catch (error) {
        return [`catalogs/${name}: ${String(error)}`];
      }
    });
}

async function canTake(folder: string): Promise<boolean> {
  const lock = await takeOwnerLock(folder);
  if (lock === 'held') return false;
  lock.release();
  return true;
}

/** What is wrong with a home in which nothing runs any more. */
async function remains(home: Household): Promise<readonly string[]> {
  const problems: string[] = [];
  await home.empty();
  for (const folder of home.stateFolders()) {
    // A process that has just ended is not seen any more a moment before its files are closed.
    const isFree = await until('the folder is free', () => canTake(folder), FREE_MS_MAX).catch(
      () => false,
    );
    if (!isFree) problems.push('the folder is still owned');
    const { findings } = verifyEventLog(join(folder, 'events.db'));
    problems.push(...findings.map(({ message }) => `the event log: ${message}`));
    // Behind the look at the log, which undoes what a killed writer had begun.
    const strange = readdirSync(folder).filter((name) => !FOLDER_FILES.has(name));
    if (strange.length > 0) problems.push(`left in the folder: ${strange.join(', ')}`);
    problems.push(...brokenCatalogs(join(folder, 'catalogs')));
  }
  const ran = home.journal.lines('"echo"').map((line) => /"token":"([^"]+)"/.exec(line)?.[1]);
  if (ran.length !== new Set(ran).size) problems.push('a call ran twice');
  return problems;
}

/** Runs so many orders, one after the other. */
export async function killOrders(options: {
  readonly orders: number;
  readonly seed: number;
  readonly onOrder?: (order: number) => void;
}): Promise<KillReport> {
  const problems: string[] = [];
  const sums = { calls: 0, answered: 0, toldToRetry: 0 };
  for (let order = 0; order < options.orders; order += 1) {
    const seed = options.seed * 1_000_003 + order;
    await using home = new Household((journal) => ({
      mcp_servers: { up: upstream([journal.option]) },
    }));
    try {
      const callers = await oneOrder(home, seeded(seed));
      for (const caller of callers) {
        sums.calls += caller.calls;
        sums.answered += caller.answered;
        sums.toldToRetry += caller.toldToRetry;
        problems.push(
          ...[...caller.problems, ...caller.doubles()].map((text) => `order ${order}: ${text}`),
        );
      }
      problems.push(...(await remains(home)).map((text) => `order ${order}: ${text}`));
    } catch (error) {
      problems.push(`order ${order}: ${String(error)}`);
    }
    options.onOrder?.(order);
  }
  return { orders: options.orders, ...sums, problems };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { orders: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
  });
  const report = await killOrders({
    orders: Number(values.orders),
    seed: Number(values.seed),
    onOrder: (order) => process.stdout.write(order % 10 === 9 ? `${order + 1}\n` : '.'),
  });
  const { orders, calls, answered, toldToRetry, problems } = report;
  console.log(
    `${orders} orders, ${calls} calls: ${answered} answered, ${toldToRetry} told to call again`,
  );
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
