/**
 * One stdio client and the gateway that serves it, which may be another process and may change: lines from the client
 * to the gateway and back, and what the client must not notice when its gateway ends.
 *
 * States: attached -> seeking (the gateway ended; lines of the client wait) -> attached … -> over.
 * Invariants:
 * 1. Whole lines only: half a line of a gateway that died never reaches the client.
 * 2. What waits for a gateway is bounded by not reading the client.
 * 3. The client's end of input ends the bridge once its answers are out, at the latest after the grace.
 */
import type { Duplex, Readable, Writable } from 'node:stream';
import { LineSplitter } from '../application/framing/line-splitter.ts';
import { ClientRecord } from '../application/handover/client-record.ts';
import { glimpse, lineOf, textOf, type Line } from '../application/handover/glimpse.ts';
import { rpcErrorOf } from '../application/calls/reply.ts';
import { readFarewell, STOPPING_LINE } from '../domain/local-socket/greeting.ts';
import { requestIdAtEnds } from '../domain/protocol/client-message.ts';
import { Fault } from '@mcp-hangar/kernel/errors';

/** Lines of the client that wait for a gateway before the client is not read any more. */
const WAITING_LINES_MAX = 1_000;
const WAITING_BYTES_MAX = 4_194_304;
/** What the owner says for itself is shorter, and almost every message longer. */
const NOTICE_BYTES_MAX = 64;
/** Gateways that may end in so short a time; more of them say that no gateway can serve this client. */
const HANDOVERS_MAX = 20;
const HANDOVERS_WITHIN_MS = 30_000;
/** Beyond the grace of the gateway, for what is on its way. */
const LAST_BYTES_MS = 1_000;
const NEWLINE = Buffer.from('\n');

/** A gateway that serves one client over a stream. */
export interface Attachment {
  readonly stream: Duplex;
  readonly graceMs: number;
  /** Longest line that the client may write, and longest one that it may get. */
  readonly bodyBytesMax: number;
  readonly lineBytesMax: number;
}

export interface BridgeOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** The next gateway, when one has ended. Rejects where there can be none. */
  readonly next: () => Promise<Attachment>;
}

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #record = new ClientRecord();
  readonly #fromClient: LineSplitter;
  readonly #finish: () => void;
  #current: Attachment | undefined;
  #graceMs: number;
  #farewell: number | undefined;
  #waiting: Line[] = [];
  #waitingBytes = 0;
  #handoversAtMs: number[] = [];
  #isLeaving = false;
  #isOver = false;
  #limit: NodeJS.Timeout | undefined;
  /** Settles when the client has left and has its answers, or nobody can serve it. */
  readonly ended: Promise<void>;

  constructor(options: BridgeOptions, first: Attachment) {
    this.#options = options;
    this.#graceMs = first.graceMs;
    let finish: () => void = () => undefined;
    this.ended = new Promise((resolve) => {
      finish = resolve;
    });
    this.#finish = finish;
    this.#fromClient = new LineSplitter(
      {
        line: (pieces, bytes) => this.#take({ pieces, bytes }),
        overlong: (head, tail, bytes) => {
          const detail = `The line has ${bytes} bytes, more than ${first.bodyBytesMax} (limits.body_bytes_max)`;
          this.#refuse(requestIdAtEnds(head, tail) ?? 'null', detail);
        },
      },
      first.bodyBytesMax,
    );
    this.#attach(first);
    const { input, output } = options;
    input.on('data', (chunk: Buffer) => this.#fromClient.push(chunk));
    input.on('end', () => this.#atEnd());
    input.on('error', () => this.#atEnd());
    output.on('drain', () => this.#current?.stream.resume());
    // Nobody reads our answers any more.
    output.on('error', () => this.#end());
  }

  /** The client has nothing more to say: answers what is outstanding, then ends. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#options.input.pause();
    this.#limit = setTimeout(() => this.#end(), this.#graceMs + LAST_BYTES_MS);
    if (this.#current === undefined && this.#isServed) this.#end();
    else this.#hangUp();
  }

  /** Whether the client has all of its answers. */
  get #isServed(): boolean {
    return this.#waiting.length === 0 && !this.#record.isWaiting;
  }

  /** A last line may lack its newline. */
  #atEnd(): void {
    this.#fromClient.push(NEWLINE);
    this.leave();
  }

  #attach(attachment: Attachment): void {
    const { stream } = attachment;
    this.#current = attachment;
    this.#graceMs = attachment.graceMs;
    this.#farewell = undefined;
    const lines = new LineSplitter(
      {
        line: (pieces, bytes) => this.#receive({ pieces, bytes }),
        overlong: () => undefined, // beyond what the gateway said it would send
      },
      attachment.lineBytesMax,
    );
    let isGone = false;
    const gone = (): void => {
      if (isGone) return;
      isGone = true;
      stream.destroy();
      this.#lost();
    };
    stream.on('data', (chunk: Buffer) => lines.push(chunk));
    stream.on('end', gone);
    stream.on('close', gone);
    stream.on('error', gone);
    stream.on('drain', () => this.#readOn());
    for (const line of this.#record.open()) write(stream, line);
    if (!this.#record.isOpening) this.#flush();
    stream.resume();
  }

  #take(line: Line): void {
    if (this.#current !== undefined && !this.#record.isOpening) this.#deliver(line);
    else {
      this.#waiting.push(line);
      this.#waitingBytes += line.bytes;
      if (this.#waiting.length >= WAITING_LINES_MAX || this.#waitingBytes >= WAITING_BYTES_MAX)
        this.#options.input.pause();
    }
  }

  #deliver(line: Line): void {
    const out = this.#record.sent(line, glimpse(line));
    if (out === undefined || this.#current === undefined) return;
    if (!write(this.#current.stream, out)) this.#options.input.pause();
  }

  /** Behind the handshake: what the record has to say, then what the client said meanwhile. */
  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const line of waiting) this.#deliver(line);
    if (this.#isLeaving) this.#hangUp();
    else this.#readOn();
  }

  #readOn(): void {
    if (!this.#isLeaving && this.#waiting.length === 0) this.#options.input.resume();
  }

  #receive(line: Line): void {
    if (line.bytes <= NOTICE_BYTES_MAX && this.#isNotice(textOf(line.pieces))) return;
    const wasOpening = this.#record.isOpening;
    const shown = this.#record.received(line, glimpse(line));
    if (wasOpening && !this.#record.isOpening && this.#current !== undefined) {
      for (const rest of this.#record.rest()) write(this.#current.stream, rest);
      this.#flush();
    }
    if (shown !== undefined) this.#show(shown);
  }

  /** Whether a line is from the owner itself and none of its client's business. */
  #isNotice(text: string): boolean {
    if (text === STOPPING_LINE) {
      this.#record.gatewayStops();
      return true;
    }
    const readBytes = readFarewell(text);
    if (readBytes === undefined) return false;
    this.#farewell = readBytes;
    return true;
  }

  #show(line: Line): void {
    if (!write(this.#options.output, line)) this.#current?.stream.pause();
  }

  #lost(): void {
    this.#current = undefined;
    if (this.#isOver) return;
    for (const line of this.#record.lost(this.#farewell)) this.#show(line);
    if ((this.#isLeaving && this.#isServed) || this.#changesTooOften()) {
      this.#end();
      return;
    }
    this.#options.next().then(
      (attachment) => {
        if (this.#isOver) attachment.stream.destroy();
        else this.#attach(attachment);
      },
      () => this.#end(),
    );
  }

  /** Says to the gateway that nothing follows; it answers what it has and ends the stream. */
  #hangUp(): void {
    if (this.#current === undefined || this.#waiting.length > 0 || this.#record.isOpening) return;
    this.#current.stream.end();
  }

  #changesTooOften(): boolean {
    const nowMs = performance.now();
    this.#handoversAtMs = [
      ...this.#handoversAtMs.filter((atMs) => nowMs - atMs < HANDOVERS_WITHIN_MS),
      nowMs,
    ];
    return this.#handoversAtMs.length > HANDOVERS_MAX;
  }

  #refuse(rawId: string, detail: string): void {
    const error = rpcErrorOf(new Fault('BODY_TOO_LARGE', detail));
    this.#show(lineOf(`{"jsonrpc":"2.0","id":${rawId},"error":${JSON.stringify(error)}}`));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#limit);
    this.#options.input.pause();
    this.#current?.stream.destroy();
    this.#finish();
  }
}

/** Writes one line. False where the stream has enough for now. */
function write(stream: Writable, { pieces }: Line): boolean {
  stream.cork();
  for (const piece of pieces) stream.write(piece);
  const isWilling = stream.write(NEWLINE);
  stream.uncork();
  return isWilling;
}
