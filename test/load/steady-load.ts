/** The same calls at the same pace, whatever happens: the latencies of one stretch of time. */
import { Agent, request } from 'node:http';

const TICK_MS = 2;

export interface SteadyLoadOptions {
  readonly urls: readonly string[];
  readonly callsPerSecond: number;
  readonly ms: number;
}

export class SteadyLoad {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #sessions = new Map<string, string>();
  #id = 1;

  /** Opens a session with each server and calls it once, which starts it. */
  async open(urls: readonly string[]): Promise<void> {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x' } };
    for (const url of urls) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
      const session = await this.#post(url, body);
      if (session === undefined) throw new Error(`${url} gave no session`);
      this.#sessions.set(url, session);
      await this.#call(url);
    }
  }

  /** Latencies of all calls of `ms` milliseconds. */
  async run({ urls, callsPerSecond, ms }: SteadyLoadOptions): Promise<readonly number[]> {
    const latencies: number[] = [];
    const calls: Promise<void>[] = [];
    const startedAtMs = performance.now();
    let sent = 0;
    const send = (): void => {
      const url = urls[sent++ % urls.length] ?? '';
      const atMs = performance.now();
      calls.push(this.#call(url).then(() => void latencies.push(performance.now() - atMs)));
    };
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsedMs = performance.now() - startedAtMs;
        while (sent < (elapsedMs * callsPerSecond) / 1_000 && elapsedMs < ms) send();
        if (elapsedMs < ms) return;
        clearInterval(timer);
        resolve();
      }, TICK_MS);
    });
    await Promise.all(calls);
    return latencies;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #call(url: string): Promise<void> {
    const params = { name: 'echo', arguments: {} };
    const message = { jsonrpc: '2.0', id: this.#id++, method: 'tools/call', params };
    await this.#post(url, JSON.stringify(message), this.#sessions.get(url));
  }

  /** Answers the session id of the response. @throws Error where it is no 200 */
  #post(url: string, body: string, session?: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      };
      const sent = request(url, { agent: this.#agent, method: 'POST', headers }, (response) => {
        const id = response.headers['mcp-session-id'];
        response.on('data', () => undefined);
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(typeof id === 'string' ? id : undefined);
          else reject(new Error(`${url} answered ${response.statusCode}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
