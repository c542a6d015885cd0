/**
 * One child process as an upstream connection: newline-delimited JSON-RPC over its pipes.
 *
 * Invariants
 * 1. Ids on the pipe are integers of this connection; a client's id never reaches a server.
 * 2. Every call is told exactly once: answered, lost, or forgotten by `cancel`.
 * 3. A bad line costs at most the call that it names; the child is never ended for what it prints.
 * 4. No more than READ_BYTES_PER_TURN are taken from one child in one turn of the event loop, and a child that
 *    prints what nobody waits for is read at NOISE_BYTES_PER_WINDOW, so that it slows only itself.
 */
import type { Readable, Writable } from 'node:stream';
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { readServerLine, type ServerMessage } from '../../domain/protocol/server-message.ts';
import type {
  ConnectionObserver,
  UpstreamCall,
  UpstreamConnection,
} from '../../application/ports.ts';
import { utf8 } from '../../application/byte-text.ts';
import type { Greeting } from './handshake.ts';
import { answerAtEnds, answerOf, cutAnswer, idAtEnds } from './answer.ts';
import { scanAnswer } from './answer-scan.ts';
import { correlationOf, isAnswer, isCorrelated, isJson, numericId } from './correlation.ts';
import { LineSplitter } from '../../application/framing/line-splitter.ts';

/**
 * Answers up to here are parsed, so that no client gets half a message; longer ones are only scanned, where their top
 * level is as plain as servers write it.
 */
const PARSED_BYTES_MAX = 65_536;
/** Lines above are no more than looked at from both ends, and only answers pass. */
const WHOLE_SCAN_BYTES_MAX = 8_388_608;
/** From here on waiting for the end of a turn costs less than a write for each line. */
const BATCHED_FROM_CALLS = 8;
const READ_BYTES_PER_TURN = 131_072;
const CHUNK_BYTES_COUNTED = 16_384;
const NOISE_WINDOW_MS = 50;
/** 4 MiB a second. */
const NOISE_BYTES_PER_WINDOW = 209_715;
/** What the shortest line costs us to look at, in bytes of a long one. */
const NOISE_LINE_BYTES = 512;

const NOISE_CHARS_KEPT = 1_024;

const SPACE = 32;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** The process behind the connection, as the launcher gives it. */
export interface ConnectionProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  stop(): Promise<void>;
}

export interface ConnectionLimits {
  readonly messageBytesMax: number;
  readonly queueBytesMax: number;
}

export class StdioConnection implements UpstreamConnection {
  readonly #process: ConnectionProcess;
  readonly #limits: ConnectionLimits;
  readonly #splitter: LineSplitter;
  readonly #calls = new SlotMap<UpstreamCall>();
  /** Answered calls whose work goes on. */
  readonly #tasks = new Map<number, (message: ServerMessage) => void>();
  #greeting: Greeting = { era: 'legacy', hello: {} };
  #observer: ConnectionObserver | undefined;
  #queue: string[] = [];
  #flushScheduled = false;
  #ended: string | undefined;
  readonly #onTurnEnd = (): void => this.#flush();
  #readThisTurn = 0;
  #turnScheduled = false;
  #noiseBytes = 0;
  /** Beginning of the first line that was no JSON-RPC, one character a byte: evidence for a diagnosis. */
  #noise: string | undefined;
  /** Lines so far that were no JSON-RPC. */
  noiseLines = 0;

  constructor(process: ConnectionProcess, limits: ConnectionLimits) {
    this.#process = process;
    this.#limits = limits;
    this.#splitter = new LineSplitter(
      {
        line: (pieces, bytes) => this.#onLine(pieces, bytes),
        overlong: (head, tail, bytes) => this.#onOverlong(head, tail, bytes),
        skips: (first, last, bytes) => this.#skips(first, last, bytes),
      },
      limits.messageBytesMax,
    );
    process.stdout.on('data', (chunk: Buffer) => this.#onData(chunk));
    process.stdout.on('error', () => undefined); // the exit that follows tells
    process.exited.then(
      ({ code, signal }) =>
        this.#onExit(signal === null ? `exit code ${code}` : `signal ${signal}`),
      () => this.#onExit('it could not be watched'),
    );
  }

  get era(): Era {
    return this.#greeting.era;
  }

  get hello(): JsonObject {
    return this.#greeting.hello;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The beginning of the first line that was no JSON-RPC; undefined where there was none. */
  get noise(): string | undefined {
    return this.#noise === undefined ? undefined : utf8(this.#noise);
  }

  get pending(): number {
    return this.#calls.size;
  }

  /** The handshake is done. */
  greeted(greeting: Greeting): void {
    this.#greeting = greeting;
  }

  /** From here on the observer hears what the server says on its own. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer;
    if (this.#ended !== undefined) observer.ended(this.#ended);
  }

  send(call: UpstreamCall): number {
    if (this.#ended !== undefined)
      throw new Fault('UPSTREAM_ENDED', `the server has ended (${this.#ended})`);
    if (this.#process.stdin.writableLength > this.#limits.queueBytesMax) {
      throw new Fault('UPSTREAM_QUEUE_FULL', 'the server does not read its calls');
    }
    const id = this.#calls.insert(call);
    const { parts } = call;
    this.write(parts.length === 2 ? `${parts[0]}${id}${parts[1]}` : parts.join(String(id)));
    return id;
  }

  hearProgress(id: number, listener: ((message: ServerMessage) => void) | undefined): void {
    if (listener === undefined) this.#tasks.delete(id);
    else this.#tasks.set(id, listener);
  }

  cancel(id: number, reason: string): void {
    if (this.#calls.remove(id) === undefined) return;
    const params = JSON.stringify({ requestId: id, reason });
    this.write(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
  }

  /**
   * With few calls in flight a line leaves at once; with many the lines of one turn leave in one write, which
   * costs one system call for all. A child that does not read gets no more (`send` says so).
   */
  write(line: string): void {
    if (
      this.#ended !== undefined ||
      this.#process.stdin.writableLength > this.#limits.queueBytesMax
    )
      return;
    if (!this.#flushScheduled && this.#calls.size < BATCHED_FROM_CALLS) {
      this.#process.stdin.write(`${line}\n`);
      return;
    }
    this.#queue.push(line, '\n');
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  close(): Promise<void> {
    this.#flush();
    return this.#process.stop();
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#queue.length === 0) return;
    const text = this.#queue.join('');
    this.#queue = [];
    if (this.#ended === undefined) this.#process.stdin.write(text);
  }

  #onData(chunk: Buffer): void {
    this.#splitter.push(chunk);
    // Small chunks mean that the child is read as fast as it writes: only full ones can hold up the others.
    if (chunk.length >= CHUNK_BYTES_COUNTED) this.#readThisTurn += chunk.length;
    else if (this.#noiseBytes <= NOISE_BYTES_PER_WINDOW) return;
    if (this.#readThisTurn >= READ_BYTES_PER_TURN || this.#noiseBytes > NOISE_BYTES_PER_WINDOW)
      this.#process.stdout.pause();
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(() => this.#newTurn());
  }

  #newTurn(): void {
    this.#turnScheduled = false;
    this.#readThisTurn = 0;
    const { stdout } = this.#process;
    if (this.#noiseBytes > NOISE_BYTES_PER_WINDOW) {
      const windows = Math.floor(this.#noiseBytes / NOISE_BYTES_PER_WINDOW);
      this.#noiseBytes = 0;
      stdout.pause();
      setTimeout(() => stdout.resume(), windows * NOISE_WINDOW_MS);
    } else if (stdout.isPaused()) stdout.resume();
  }

  /** Servers that log to stdout print thousands: once there is evidence of it, nobody reads them. */
  #skips(first: number, last: number, bytes: number): boolean {
    if (this.#noise === undefined || !isChatter(first, last)) return false;
    this.#addNoise(bytes);
    this.noiseLines += 1;
    return true;
  }

  #onLine(pieces: readonly Buffer[], bytes: number): void {
    if (bytes > WHOLE_SCAN_BYTES_MAX) {
      const found = answerAtEnds(pieces, bytes);
      if (found !== undefined) {
        this.#settle(found.id, bytes, (call) => call.answered(found.answer));
      } else this.#onNoise(headAndTail(pieces), bytes);
      return;
    }
    const first = pieces[0];
    const buffer =
      pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, bytes);
    if (bytes > PARSED_BYTES_MAX) {
      const large = scanAnswer(buffer);
      if (large !== undefined) {
        this.#settle(large.id, bytes, (call) => call.answered(cutAnswer(buffer, large)));
        return;
      }
    }
    const text = buffer.toString('latin1', 0, buffer.at(-1) === 13 ? bytes - 1 : bytes);
    const message = readServerLine(text);
    // Finding members is no proof of JSON; of an answer that is checked where its call is known.
    if (message !== undefined && (message.kind === 'answer' || isJson(text)))
      this.#onMessage(message, bytes);
    else this.#onNoise(text, bytes);
  }

  #onMessage(message: ServerMessage, bytes: number): void {
    switch (message.kind) {
      case 'answer': {
        const id = numericId(message.rawId);
        this.#settle(id, bytes, (call) => {
          if (isAnswer(message.line.text)) call.answered(answerOf(message));
          else call.lost(invalid());
        });
        return;
      }
      case 'request':
        this.#addNoise(bytes);
        if (this.#observer !== undefined) this.#observer.request(message);
        else if (message.method === 'ping') {
          this.write(`{"jsonrpc":"2.0","id":${message.rawId},"result":{}}`); // some ask before they answer
        }
        return;
      case 'notification': {
        const call = this.#calls.get(correlationOf(message));
        if (call === undefined) {
          if (isCorrelated(message)) {
            this.#tasks.get(correlationOf(message))?.(message); // else late: the call is settled
            return;
          }
          this.#addNoise(bytes);
          this.#observer?.notification(message);
        } else call.notified(message);
      }
    }
  }

  #addNoise(bytes: number): void {
    this.#noiseBytes += Math.max(bytes, NOISE_LINE_BYTES);
  }

  #onNoise(text: string, bytes: number): void {
    this.#addNoise(bytes);
    if (text.trim() !== '') {
      this.noiseLines += 1;
      this.#noise ??= text.slice(0, NOISE_CHARS_KEPT);
    }
    const id = idAtEnds(text.slice(0, 128), text.slice(-128));
    if (id !== undefined) this.#settle(id, 0, (call) => call.lost(invalid()));
  }

  #onOverlong(head: string, tail: string, bytes: number): void {
    this.#addNoise(bytes);
    const message = `the answer has ${bytes} bytes, more than limits.upstream_message_bytes_max allows (${this.#limits.messageBytesMax})`;
    this.#settle(idAtEnds(head, tail) ?? Number.NaN, bytes, (call) =>
      call.lost(new Fault('UPSTREAM_ANSWER_TOO_LARGE', message)),
    );
  }

  #settle(id: number, bytes: number, tell: (call: UpstreamCall) => void): void {
    const call = this.#calls.remove(id);
    if (call === undefined) this.#addNoise(bytes);
    else tell(call);
  }

  #onExit(detail: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = detail;
    this.#queue = [];
    const lost = new Fault('UPSTREAM_ENDED', `the server ended during the call (${detail})`);
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) call.lost(lost);
    this.#observer?.ended(detail);
  }
}

/** Surely no message, nor the rest of one, by its first byte and its last. */
const isChatter = (first: number, last: number): boolean =>
  first > SPACE && first !== OPEN_OBJECT && last > SPACE && last !== CLOSE_OBJECT;

const headAndTail = (pieces: readonly Buffer[]): string =>
  `${pieces[0]?.subarray(0, 256).toString('latin1')}${pieces.at(-1)?.subarray(-256).toString('latin1')}`;

const invalid = (): Fault =>
  new Fault('UPSTREAM_ANSWER_INVALID', `${NOT_JSON}; ${STDERR_ONLY}`, {
    data: { reason: NOT_JSON, fix: STDERR_ONLY },
  });
const NOT_JSON = 'the server answered with a line that is no JSON-RPC answer';
const STDERR_ONLY = 'only JSON-RPC may be on its stdout: make it log to stderr';
