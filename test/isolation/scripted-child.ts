/**
 * A server in memory: real lines over real streams, nothing said before the script says so. It checks what
 * reaches it: who shares it with whom, whose question is answered by whom, what is cancelled.
 */
import { PassThrough } from 'node:stream';
import type { ConnectionProcess } from '../../packages/gateway/src/infrastructure/upstream/stdio-connection.ts';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { META, type Era } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { canariesIn, canaryText, isOf, ownerText, type Canary } from './canary.ts';
import type { Tally, Violations } from './canary.ts';

/** `more`: it wants something first, as its era says it. */
export type AnswerKind = 'result' | 'error' | 'more';

export type Asking = 'sampling' | 'elicitation' | 'roots';

const METHOD_OF: Readonly<Record<Asking, string>> = {
  sampling: 'sampling/createMessage',
  elicitation: 'elicitation/create',
  roots: 'roots/list',
};

/** A call as the server has it. */
export interface ReceivedCall {
  readonly id: number;
  readonly token: unknown;
  readonly canary: Canary;
  /** Of the modern era: only a request that asks for log messages may get any. */
  readonly wantsLogs: boolean;
  /** Of the modern era: what the client can be asked, as this request says it. */
  readonly capabilities: JsonObject;
  /** As JSON text: a request that goes on with the call has the same. */
  readonly arguments: string;
  state: 'open' | 'answered' | 'cancelled';
}

interface Question {
  readonly id: string | number;
  readonly canary: Canary;
  /** Names the question among all: who answers says which one it means. */
  readonly mark: string;
  answers: number;
  isTakenBack: boolean;
}

/** What a modern server wants before it goes on; it is found again by the state that comes back. */
export interface IssuedRound {
  readonly serverId: string;
  readonly canary: Canary;
  readonly arguments: string;
  /** By the key of the question. */
  readonly marks: ReadonlyMap<string, string>;
  uses: number;
}

/** What the world outside is told. */
export interface ChildWitness {
  readonly violations: Violations;
  readonly tally: Tally;
  /** A line passed in either direction. */
  active(): void;
  answered(canary: Canary): void;
  cancelled(canary: Canary, child: ScriptedChild): void;
  /** Capabilities that the client of the canary declared, as canonical text. */
  declared(canary: Canary): string;
  canonical(capabilities: JsonObject): string;
  isLegacy(canary: Canary): boolean;
  /** Whoever is the same to the gateway: a session, or the principal of modern requests. */
  principal(canary: Canary): string;
  /** Rounds of all modern servers, by their states. */
  readonly rounds: Map<string, IssuedRound>;
  /** A call has arrived: for witnesses that script what the child does about it. */
  received?(child: ScriptedChild, call: ReceivedCall, args: JsonObject): void;
}

export interface ChildOptions {
  readonly serverId: string;
  readonly number: number;
  readonly era: Era;
  readonly sharing: 'auto' | 'shared' | 'session';
  readonly witness: ChildWitness;
}

export class ScriptedChild implements ConnectionProcess {
  readonly options: ChildOptions;
  readonly pid: number;
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly calls: ReceivedCall[] = [];
  readonly uris = new Set<string>();
  #listens: { readonly id: unknown; readonly uris: readonly string[] }[] = [];
  readonly #questions = new Map<string, Question>();
  #exit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;
  #rest = '';
  #nextQuestion = 1;
  #nextMark = 1;
  #told: JsonObject = {};
  running = true;

  constructor(options: ChildOptions) {
    this.options = options;
    this.pid = 100_000 + options.number;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    this.stdin.setEncoding('utf8');
    this.stdin.on('data', (chunk: string) => this.#onData(chunk));
  }

  /** Like a real child: what it wrote is read before its exit is seen. */
  crash(): void {
    if (!this.running) return;
    this.running = false;
    this.stdout.once('end', () => this.#exit({ code: null, signal: 'SIGSEGV' }));
    this.stdout.end();
  }

  async stop(): Promise<void> {
    if (this.running) {
      this.running = false;
      this.stdout.once('end', () => this.#exit({ code: 0, signal: null }));
      this.stdout.end();
      this.stdout.resume();
    }
    await this.exited;
  }

  get told(): JsonObject {
    return this.#told;
  }

  /** @param choice what is asked, where the server wants something first */
  answer(call: ReceivedCall, kind: AnswerKind, choice = 0): void {
    if (!this.running || call.state === 'answered') return;
    const { era, witness } = this.options;
    const wantsMore = kind === 'more' && era === 'modern';
    // Its answer may cross with the cancellation: a server is free to answer either way. What it wants first is the
    // answer to a modern client, and not to a legacy one.
    if (call.state === 'open' && !(wantsMore && witness.isLegacy(call.canary)))
      witness.answered(call.canary);
    call.state = 'answered';
    const canary = text(call.canary);
    if (kind === 'error') {
      this.#say({ id: call.id, error: { code: -32_050, message: canary, data: { canary } } });
    } else if (kind === 'more' && era === 'legacy') {
      const page = { elicitationId: canary, url: `https://example.com/${canary}`, message: canary };
      const data = { elicitations: [{ mode: 'url', ...page }] };
      this.#say({ id: call.id, error: { code: -32_042, message: canary, data } });
    } else if (wantsMore) {
      this.#say({ id: call.id, result: this.#newRound(call, choice) });
    } else {
      const result = { content: [{ type: 'text', text: canary }] };
      const modern = this.options.era === 'modern' ? { resultType: 'complete' } : {};
      this.#say({ id: call.id, result: { ...modern, ...result } });
    }
  }

  /** Asks only for what this request declares; perhaps for nothing but to be called again. */
  #newRound(call: ReceivedCall, choice: number): JsonObject {
    const { witness, serverId } = this.options;
    const canary = text(call.canary);
    const kinds = (['sampling', 'elicitation', 'roots'] as const).filter(
      (kind, index) => call.capabilities[kind] !== undefined && (choice >> index) % 2 === 0,
    );
    const marks = new Map(kinds.map((kind) => [`${kind}?`, this.#newMark()]));
    const requests = kinds.map((kind) => {
      const params = { message: canary, _meta: { canary, mark: marks.get(`${kind}?`) } };
      return [`${kind}?`, { method: METHOD_OF[kind], params }];
    });
    const requestState = `state "${this.#newMark()}" of ${serverId} ☃ ${canary}`;
    const { canary: of, arguments: args } = call;
    witness.rounds.set(requestState, { serverId, canary: of, arguments: args, marks, uses: 0 });
    return {
      resultType: 'input_required',
      requestState,
      ...(requests.length > 0 && { inputRequests: Object.fromEntries(requests) }),
    };
  }

  #newMark(): string {
    return `${this.pid}-${this.#nextMark++}`;
  }

  progress(call: ReceivedCall): void {
    if (call.token === undefined) return;
    const params = { progressToken: call.token, progress: 1, message: text(call.canary) };
    this.#say({ method: 'notifications/progress', params });
  }

  /**
   * A log message says nowhere for whom it is. A legacy server may send it whenever it likes; one of the modern
   * era while it works on a request that asked for it, which it does until it has read the cancellation.
   */
  log(call: ReceivedCall): void {
    if (this.options.era === 'modern' && !(call.state === 'open' && call.wantsLogs)) return;
    const params = { level: 'info', data: text(call.canary) };
    this.#say({ method: 'notifications/message', params });
  }

  /** Only for a call that it has not answered; one that was cancelled may still be under way. */
  ask(call: ReceivedCall, asking: Asking): void {
    if (this.options.era === 'modern' || call.state === 'answered' || !this.running) return;
    const number = this.#nextQuestion++;
    const id = number % 2 === 0 ? String(number) : number; // 1, "2", 3, … on every child alike
    const mark = this.#newMark();
    const question = { id, canary: call.canary, mark, answers: 0, isTakenBack: false };
    this.#questions.set(JSON.stringify(id), question);
    const canary = text(call.canary);
    this.#say({
      id,
      method: METHOD_OF[asking],
      params: { message: canary, _meta: { progressToken: id, canary, mark } },
    });
  }

  /** Whether it waits for the client of this call. */
  isAsking(canary: Canary): boolean {
    return [...this.#questions.values()].some(
      (question) =>
        !question.isTakenBack && question.answers === 0 && isSame(question.canary, canary),
    );
  }

  /** Takes back the latest question. */
  takeBack(): void {
    const question = [...this.#questions.values()].findLast(
      ({ answers, isTakenBack }) => answers === 0 && !isTakenBack,
    );
    if (question === undefined) return;
    question.isTakenBack = true;
    const params = { requestId: question.id, reason: text(question.canary) };
    this.#say({ method: 'notifications/cancelled', params });
  }

  updated(uri: string): void {
    for (const listen of this.#listens) {
      if (!listen.uris.includes(uri)) continue;
      this.#say({
        method: 'notifications/resources/updated',
        params: { uri, _meta: { [META.subscriptionId]: listen.id } },
      });
    }
    if (this.options.era === 'legacy' && this.uris.has(uri))
      this.#say({ method: 'notifications/resources/updated', params: { uri } });
  }

  #say(message: JsonObject): void {
    if (!this.running) return;
    this.options.witness.active();
    this.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #onData(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.options.witness.active();
      if (this.running) this.#onLine(line);
    }
  }

  #onLine(line: string): void {
    const message: unknown = JSON.parse(line);
    if (!isObject(message)) throw new Error(`no message: ${line}`);
    const { id, method } = message;
    const params = isObject(message['params']) ? message['params'] : {};
    if (typeof method !== 'string') this.#onAnswer(message, line);
    else if (id === undefined) this.#onNotification(method, params);
    else this.#onRequest(Number(id), method, params);
  }

  #onRequest(id: number, method: string, params: JsonObject): void {
    const { era, serverId } = this.options;
    const done = (result: JsonObject): void =>
      this.#say({ id, result: era === 'modern' ? { resultType: 'complete', ...result } : result });
    // Some log without having said that they do.
    const logging = this.options.number % 3 === 2 ? {} : { logging: {} };
    const capabilities = { tools: {}, resources: { subscribe: true }, ...logging };
    switch (method) {
      case 'initialize':
        if (era === 'modern') break;
        this.#told = isObject(params['capabilities']) ? params['capabilities'] : {};
        done({ protocolVersion: '2025-11-25', capabilities, serverInfo: { name: serverId } });
        return;
      case 'server/discover':
        if (era === 'legacy') break;
        done({ supportedVersions: ['2026-07-28'], capabilities, ttlMs: 0, cacheScope: 'private' });
        return;
      case 'tools/list':
        done({ tools: [{ name: 'work', inputSchema: { type: 'object' } }] });
        return;
      case 'resources/list':
        done({ resources: [{ name: 'one', uri: `res://${serverId}/1` }] });
        return;
      case 'resources/templates/list':
        done({ resourceTemplates: [] });
        return;
      case 'resources/subscribe':
        this.uris.add(String(params['uri']));
        done({});
        return;
      case 'resources/unsubscribe':
        this.uris.delete(String(params['uri']));
        done({});
        return;
      case 'logging/setLevel':
      case 'ping':
        done({});
        return;
      case 'subscriptions/listen':
        this.#onListen(id, params);
        return;
      case 'tools/call':
        this.#onCall(id, params);
        return;
      default:
    }
    this.#say({ id, error: { code: -32_601, message: 'Method not found' } });
  }

  #onListen(id: number, params: JsonObject): void {
    const wanted = isObject(params['notifications']) ? params['notifications'] : {};
    const uris = Array.isArray(wanted['resourceSubscriptions'])
      ? wanted['resourceSubscriptions'].map(String)
      : [];
    this.#listens.push({ id, uris });
    this.#say({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: wanted, _meta: { [META.subscriptionId]: id } },
    });
  }

  #onCall(id: number, params: JsonObject): void {
    const { witness, sharing, serverId } = this.options;
    const [canary] = canariesIn(JSON.stringify(params['arguments']));
    if (canary === undefined) throw new Error('a call without a canary');
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    const token = meta['progressToken'];
    if (token !== undefined && token !== id)
      witness.violations.add(
        `a client's progress token ${JSON.stringify(token)} reached ${serverId}`,
      );
    const alone = Object.keys(this.#told).length > 0;
    if (alone && witness.canonical(this.#told) !== witness.declared(canary))
      witness.violations.add(`${text(canary)} works on a child that was told other capabilities`);
    const others = this.calls.filter((call) => !isOf(call.canary, canary));
    // Whose child it is for life is the same for all clients of one principal.
    const strangers = others.filter(
      (call) => witness.principal(call.canary) !== witness.principal(canary),
    );
    if (sharing === 'session' && strangers.length > 0)
      witness.violations.add(`${text(canary)} uses the child of another session`);
    const rivals = sharing === 'session' ? strangers : others;
    const clash = alone ? rivals.find(({ state }) => state === 'open') : undefined;
    if (clash !== undefined)
      witness.violations.add(`${text(clash.canary)} and ${text(canary)} share a leased child`);
    this.#checkLease(canary, alone);
    const wantsLogs = meta[META.logLevel] !== undefined;
    const declared = meta[META.clientCapabilities];
    const capabilities = isObject(declared) ? declared : {};
    const args = JSON.stringify(params['arguments']);
    const call = { id, token, canary, wantsLogs, capabilities, arguments: args } as const;
    if (params['requestState'] !== undefined) this.#checkRound(call, params);
    this.calls.push({ ...call, state: 'open' });
    const received = this.calls.at(-1);
    if (received !== undefined)
      witness.received?.(this, received, isObject(params['arguments']) ? params['arguments'] : {});
  }

  /** A child that was told what one modern client can be asked works on one call at a time, each brought to its end. */
  #checkLease(canary: Canary, isTold: boolean): void {
    const { witness, sharing, era } = this.options;
    if (!isTold || sharing !== 'auto' || era === 'modern' || witness.isLegacy(canary)) return;
    const other = this.calls.find(({ state }) => state !== 'answered');
    if (other !== undefined)
      witness.violations.add(
        `${text(canary)} got the child that works on ${text(other.canary)} (${other.state})`,
      );
  }

  /** A request that goes on after a round: with the state, arguments and answers that belong to it. */
  #checkRound(call: Pick<ReceivedCall, 'canary' | 'arguments'>, params: JsonObject): void {
    const { witness, serverId } = this.options;
    const name = text(call.canary);
    const round = witness.rounds.get(String(params['requestState']));
    if (round === undefined || round.serverId !== serverId) {
      witness.violations.add(`${name} brings a state that ${serverId} did not make`);
      return;
    }
    round.uses += 1;
    const of = witness.isLegacy(call.canary) ? 'legacy' : 'modern';
    witness.tally.count(`modern server went on for a ${of} client`);
    const responses = isObject(params['inputResponses']) ? params['inputResponses'] : {};
    if (round.arguments !== call.arguments)
      witness.violations.add(`${name} goes on with other arguments than before`);
    for (const [key, response] of Object.entries(responses)) {
      const mark = round.marks.get(key);
      if (mark !== undefined) this.#checkAnswer(JSON.stringify(response), mark, round.canary);
    }
    if (!witness.isLegacy(call.canary)) return; // a modern client may answer what it likes
    const isComplete = [...round.marks.keys()].every((key) => Object.hasOwn(responses, key));
    if (!isComplete || Object.keys(responses).length !== round.marks.size)
      witness.violations.add(`${name} goes on with ${Object.keys(responses).join()} answered`);
    if (round.uses > 1) witness.violations.add(`${name} goes on twice after one round`);
  }

  #checkAnswer(answer: string, mark: string, canary: Canary): void {
    const { violations } = this.options.witness;
    for (const by of canariesIn(answer)) {
      if (!isOf(by, canary))
        violations.add(`${ownerText(by)} answered the question of ${text(canary)}`);
    }
    const marks = [...answer.matchAll(/"mark":"([^"]*)"/g)].map(([, found]) => found);
    if (marks.some((found) => found !== mark))
      violations.add(`the answer to ${mark} of ${text(canary)} was meant for ${marks.join()}`);
  }

  #onNotification(method: string, params: JsonObject): void {
    if (method !== 'notifications/cancelled') return;
    const call = this.calls.find(({ id }) => id === params['requestId']);
    this.#listens = this.#listens.filter(({ id }) => id !== params['requestId']);
    if (call === undefined) return;
    this.options.witness.tally.count('cancelled at its server');
    if (call.state === 'open') call.state = 'cancelled';
    this.options.witness.cancelled(call.canary, this);
  }

  /** The answer to a question: only of the client that the question was for, and only once. */
  #onAnswer(message: JsonObject, line: string): void {
    const { violations } = this.options.witness;
    const question = this.#questions.get(JSON.stringify(message['id']));
    if (question === undefined) {
      violations.add(`an answer to a question that was never asked: ${line}`);
      return;
    }
    question.answers += 1;
    if (question.answers > 1) violations.add(`a second answer to one question: ${line}`);
    this.#checkAnswer(line, question.mark, question.canary);
  }
}

const isSame = (a: Canary, b: Canary): boolean => isOf(a, b) && a.request === b.request;

const text = (canary: Canary): string => canaryText(canary, canary.request);
