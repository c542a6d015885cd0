/** Many servers and groups that are called at a steady pace, each result held against its call. */
import { Agent, request } from 'node:http';
import type { GatewayProcess } from '../support/gateway.ts';
import { seeded, type Random } from '../support/random.ts';

const TICK_MS = 5;
const EXAMPLES_MAX = 3;

/** How calls ended. */
export interface Tally {
  answered: number;
  failed: number;
  /** Results that are not those of their calls. */
  wrong: number;
  groupErrors: number;
  readonly errors: Map<string, number>;
  readonly examples: string[];
}

interface Answer {
  readonly body: string;
  readonly session: string | undefined;
}

export class CallTargets {
  readonly random: Random;
  readonly tally: Tally = {
    answered: 0,
    failed: 0,
    wrong: 0,
    groupErrors: 0,
    errors: new Map(),
    examples: [],
  };
  readonly #gateway: GatewayProcess;
  readonly #ids: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 128 });
  readonly #sessions = new Map<string, string>();
  #calls = 0;

  constructor(gateway: GatewayProcess, ids: readonly string[], seed: number) {
    this.#gateway = gateway;
    this.#ids = ids;
    this.random = seeded(seed);
  }

  /** Opens a session with each and calls it once, which starts it. */
  async open(): Promise<void> {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    for (const id of this.#ids) {
      const { session } = await this.#post(id, body);
      if (session === undefined) throw new Error(`${id} gave no session`);
      this.#sessions.set(id, session);
      await this.#call(id);
    }
  }

  /** Calls a second where `lanes` calls are in flight all the time. */
  async capacity(lanes: number, ms: number): Promise<number> {
    const before = this.#calls;
    const untilMs = performance.now() + ms;
    const lane = async (): Promise<void> => {
      while (performance.now() < untilMs) await this.#callSome();
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return (this.#calls - before) / (ms / 1_000);
  }

  /** Calls at that pace, whatever happens, until it is ended. */
  run(callsPerSecond: number): { readonly end: () => Promise<void> } {
    const startedAtMs = performance.now();
    const inFlight = new Set<Promise<void>>();
    let sent = 0;
    const timer = setInterval(() => {
      const due = ((performance.now() - startedAtMs) * callsPerSecond) / 1_000;
      for (; sent < due; sent += 1) {
        const call = this.#callSome();
        inFlight.add(call);
        void call.finally(() => inFlight.delete(call));
      }
    }, TICK_MS);
    return {
      end: async () => {
        clearInterval(timer);
        await Promise.all(inFlight);
      },
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  #callSome(): Promise<void> {
    return this.#call(this.#ids[Math.floor(this.random() * this.#ids.length)] ?? '');
  }

  async #call(id: string): Promise<void> {
    this.#calls += 1;
    const token = `${id}/${this.#calls}`;
    const params = { name: 'echo', arguments: { token } };
    const call = { jsonrpc: '2.0', id: this.#calls, method: 'tools/call', params };
    try {
      const { body } = await this.#post(id, JSON.stringify(call), this.#sessions.get(id));
      this.#judge(id, token, body);
    } catch (error) {
      this.#failed(id, `HTTP: ${String(error)}`);
    }
  }

  #judge(id: string, token: string, body: string): void {
    const code = /"code":"([A-Z_]+)"/.exec(body)?.[1];
    if (body.includes('"result"') && body.includes(token)) this.tally.answered += 1;
    else if (code !== undefined) this.#failed(id, code);
    else {
      this.tally.wrong += 1;
      if (this.tally.examples.length < EXAMPLES_MAX)
        this.tally.examples.push(`${token}: ${body.slice(0, 200)}`);
    }
  }

  #failed(id: string, code: string): void {
    this.tally.failed += 1;
    this.tally.errors.set(code, (this.tally.errors.get(code) ?? 0) + 1);
    if (id.startsWith('team-')) this.tally.groupErrors += 1;
  }

  #post(id: string, body: string, session?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      };
      const options = { agent: this.#agent, method: 'POST', headers };
      const sent = request(this.#gateway.url(id), options, (response) => {
        const opened = response.headers['mcp-session-id'];
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ body: text, session: typeof opened === 'string' ? opened : undefined }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
