/** A child process of streams in memory, as far as an upstream connection sees it, and calls that keep what they hear. */
import { PassThrough, type Writable } from 'node:stream';
import type { Fault } from '@mcp-hangar/kernel/errors';
import { routingOf } from '../src/application/calls/ask.ts';
import type { ConnectionObserver, RawAnswer, UpstreamCall } from '../src/application/ports.ts';
import type { JsonObject } from '../src/domain/protocol/json-rpc.ts';
import type { ServerMessage } from '../src/domain/protocol/server-message.ts';
import { StdioConnection } from '../src/infrastructure/upstream/stdio-connection.ts';

export const LIMITS = { messageBytesMax: 100_000, queueBytesMax: 10_000 };
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A child process as far as a connection sees it. */
export class Process {
  readonly pid = 1;
  readonly stdin: PassThrough | Writable;
  readonly stdout = new PassThrough();
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  exit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;
  stops = 0;

  constructor(stdin: Writable = new PassThrough()) {
    this.stdin = stdin;
    stdin.on('error', () => undefined); // as the launcher's child promises
    this.exited = new Promise((resolve) => {
      this.exit = resolve;
    });
  }

  stop(): Promise<void> {
    this.stops += 1;
    return Promise.resolve();
  }

  /** What was written to it until now. */
  get read(): readonly JsonObject[] {
    const chunk: unknown = this.stdin instanceof PassThrough ? this.stdin.read() : null;
    if (!Buffer.isBuffer(chunk)) return [];
    return chunk
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonObject);
  }

  async says(...lines: readonly (string | JsonObject)[]): Promise<void> {
    for (const line of lines)
      this.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
    await turn();
  }
}

/** A call that keeps what it is told. */
export class Told implements UpstreamCall {
  readonly parts: readonly string[];
  readonly routing = routingOf('x');
  readonly answers: RawAnswer[] = [];
  readonly losses: Fault[] = [];
  readonly notes: ServerMessage[] = [];

  constructor(parts: readonly string[] = ['{"jsonrpc":"2.0","id":', ',"method":"x"}']) {
    this.parts = parts;
  }
  get times(): number {
    return this.answers.length + this.losses.length;
  }
  answered(answer: RawAnswer): void {
    this.answers.push(answer);
  }
  notified(message: ServerMessage): void {
    this.notes.push(message);
  }
  lost(fault: Fault): void {
    this.losses.push(fault);
  }
}

export class Heard implements ConnectionObserver {
  readonly all: string[] = [];
  request(message: { readonly method: string }): void {
    this.all.push(message.method);
  }
  notification(message: { readonly method: string }): void {
    this.all.push(message.method);
  }
  ended(detail: string): void {
    this.all.push(`ended: ${detail}`);
  }
}

export function connect(
  process = new Process(),
  limits = LIMITS,
): {
  process: Process;
  connection: StdioConnection;
  heard: Heard;
} {
  const connection = new StdioConnection(process, limits);
  const heard = new Heard();
  connection.observe(heard);
  return { process, connection, heard };
}
