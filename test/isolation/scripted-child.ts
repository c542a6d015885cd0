/**
 * A server in memory: real lines over real streams, nothing said before the script says so. It checks what
 * reaches it: who shares it with whom, whose question is answered by whom, what is cancelled.
 */
import { PassThrough } from 'node:stream';
import type { ConnectionProcess } from '../../packages/gateway/src/infrastructure/upstream/stdio-connection.ts';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { META, type Era } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { canariesIn, canaryText, isOf, ownerText, type Canary } from './canary.ts';
import type { Violations } from './canary.ts';

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
  state: 'open' | 'answered' | 'cancelled';
}

interface Question {
  readonly id: string | number;
  readonly canary: Canary;
  answers: number;
}

/** What the world outside is told. */
export interface ChildWitness {
  readonly violations: Violations;
  /** A line passed in either direction. */
  active(): void;
  answered(canary: Canary): void;
  cancelled(canary: Canary): void;
  /** Capabilities that the client of the canary declared, as canonical text. */
  declared(canary: Canary): string;
  canonical(capabilities: JsonObject): string;
  isLegacy(canary: Canary): boolean;
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

  answer(call: ReceivedCall, kind: 'result' | 'error' | 'input_required'): void {
    if (!this.running || call.state === 'answered') return;
    // Its answer may cross with the cancellation: a server is free to answer either way.
    if (call.state === 'open') this.options.witness.answered(call.canary);
    call.state = 'answered';
    const canary = text(call.canary);
    if (kind === 'error') {
      this.#say({ id: call.id, error: { code: -32_050, message: canary, data: { canary } } });
    } else if (kind === 'input_required' && this.options.era === 'modern') {
      this.#say({ id: call.id, result: { resultType: kind, requestState: canary } });
    } else {
      const result = { content: [{ type: 'text', text: canary }] };
      const modern = this.options.era === 'modern' ? { resultType: 'complete' } : {};
      this.#say({ id: call.id, result: { ...modern, ...result } });
    }
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
    this.#questions.set(JSON.stringify(id), { id, canary: call.canary, answers: 0 });
    const canary = text(call.canary);
    this.#say({
      id,
      method: METHOD_OF[asking],
      params: { message: canary, _meta: { progressToken: id, canary } },
    });
  }

  /** Takes back the latest question. */
  takeBack(): void {
    const question = [...this.#questions.values()].findLast(({ answers }) => answers === 0);
    if (question === undefined) return;
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
    const capabilities = { tools: {}, resources: { subscribe: true }, logging: {} };
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
    const others = this.calls.filter((call) => !isOf(call.canary, canary));
    const alone = Object.keys(this.#told).length > 0;
    if (alone && witness.canonical(this.#told) !== witness.declared(canary))
      witness.violations.add(`${text(canary)} works on a child that was told other capabilities`);
    const clash = alone ? others.find(({ state }) => state === 'open') : undefined;
    if (clash !== undefined)
      witness.violations.add(`${text(clash.canary)} and ${text(canary)} share a leased child`);
    const sessions = [canary, ...others.map((call) => call.canary)];
    if (sharing === 'session' && others.length > 0 && sessions.some((one) => witness.isLegacy(one)))
      witness.violations.add(`${text(canary)} uses the child of another session`);
    const wantsLogs = meta[META.logLevel] !== undefined;
    const call: ReceivedCall = { id, token, canary, wantsLogs, state: 'open' };
    this.calls.push(call);
    witness.received?.(this, call, isObject(params['arguments']) ? params['arguments'] : {});
  }

  #onNotification(method: string, params: JsonObject): void {
    if (method !== 'notifications/cancelled') return;
    const call = this.calls.find(({ id }) => id === params['requestId']);
    this.#listens = this.#listens.filter(({ id }) => id !== params['requestId']);
    if (call === undefined) return;
    if (call.state === 'open') call.state = 'cancelled';
    this.options.witness.cancelled(call.canary);
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
    for (const by of canariesIn(line)) {
      if (!isOf(by, question.canary))
        violations.add(`${ownerText(by)} answered the question of ${text(question.canary)}`);
    }
  }
}

const text = (canary: Canary): string => canaryText(canary, canary.request);
