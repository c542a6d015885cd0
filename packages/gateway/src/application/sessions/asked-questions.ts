/** What one client is asked and has not answered yet, under ids of the session's own. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { utf8 } from '../byte-text.ts';
import type { Bytes } from '../ports.ts';
import { CLIENT_SLOT, type ClientText } from '../../domain/protocol/client-message.ts';
import { LEG_MS_MAX, QUESTIONS_MAX } from '../../domain/protocol/input-rounds.ts';
import { RPC } from '../../domain/protocol/json-rpc.ts';
import { hasSpan, spanText, splice } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import type { AnswerSink } from '../calls/rounds.ts';
import type { Child, ServerNotification, ServerRequest } from '../servers/child.ts';

interface Question {
  readonly sink: AnswerSink;
  readonly timer: NodeJS.Timeout;
}

export class AskedQuestions {
  readonly #open = new Map<number, Question>();
  #nextId = 1;

  /** A server's request as the client reads it; undefined where it was refused because too many are open. */
  put(child: Child, request: ServerRequest): readonly Bytes[] | undefined {
    const question = new ServerQuestion(child, request);
    if (this.#isFull) {
      question.unanswered(tooMany());
      return undefined;
    }
    child.asking += 1;
    const own = String(this.#add(question));
    const { text, spans } = request.line;
    return [
      splice(text, spans, [
        { slot: SERVER_SLOT.id, text: own },
        { slot: SERVER_SLOT.metaToken, text: own },
      ]),
    ];
  }

  /** The id under which a question is put whose answer goes to `sink`. @throws Fault GATEWAY_BUSY */
  open(sink: AnswerSink): number {
    if (this.#isFull) throw tooMany();
    return this.#add(sink);
  }

  /** Nobody waits for the answer to a question any more: what the client is told. */
  withdraw(id: number, reason: string): string {
    this.#take(id);
    return cancelled(id, reason);
  }

  /** The client's answer goes to whoever asked. An id that was never asked is ignored. */
  answer(id: unknown, text: ClientText): void {
    this.#take(id)?.answered(text);
  }

  /** Progress of the client on a question. */
  progress(token: unknown, text: ClientText): void {
    const question = typeof token === 'number' ? this.#open.get(token) : undefined;
    question?.sink.progressed?.(text);
  }

  /** The server takes a question back: the notification as the client reads it, or undefined. */
  takeBack(child: Child, notification: ServerNotification): readonly Bytes[] | undefined {
    const { text, spans } = notification.line;
    const rawId = spanText(text, spans, SERVER_SLOT.requestId);
    for (const [id, { sink }] of this.#open) {
      if (!isOf(child, sink) || sink.rawId !== rawId) continue;
      this.#take(id);
      return [splice(text, spans, [{ slot: SERVER_SLOT.requestId, text: String(id) }])];
    }
    return undefined;
  }

  /** The child is gone: the client is told not to answer. */
  childEnded(child: Child): readonly string[] {
    const ended = [...this.#open].filter(([, { sink }]) => isOf(child, sink)).map(([id]) => id);
    return ended.map((id) => {
      this.#take(id);
      return cancelled(id, 'the server has ended');
    });
  }

  /** The client is gone: nobody waits for it. */
  close(): void {
    for (const id of this.#open.keys())
      this.#take(id)?.unanswered(new Fault('INPUT_REFUSED', 'the client is gone'));
  }

  get #isFull(): boolean {
    return this.#open.size >= QUESTIONS_MAX;
  }

  #add(sink: AnswerSink): number {
    const id = this.#nextId++;
    const timer = setTimeout(() => this.#expire(id), LEG_MS_MAX);
    timer.unref();
    this.#open.set(id, { sink, timer });
    return id;
  }

  #take(id: unknown): AnswerSink | undefined {
    const question = typeof id === 'number' ? this.#open.get(id) : undefined;
    if (typeof id !== 'number' || question === undefined) return undefined;
    this.#open.delete(id);
    clearTimeout(question.timer);
    question.sink.over?.();
    return question.sink;
  }

  #expire(id: number): void {
    const detail = `the client did not answer in ${LEG_MS_MAX / 1_000} s`;
    this.#take(id)?.unanswered(new Fault('INPUT_TIMED_OUT', detail));
  }
}

const tooMany = (): Fault =>
  new Fault('GATEWAY_BUSY', `${QUESTIONS_MAX} requests already wait for the client`);

function cancelled(requestId: number, reason: string): string {
  const params = JSON.stringify({ requestId, reason });
  return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`;
}

/** A request of a legacy server: its child gets the client's answer as it was written. */
class ServerQuestion implements AnswerSink {
  readonly child: Child;
  /** The server's id and progress token as it wrote them. */
  readonly rawId: string;
  readonly #rawToken: string | undefined;

  constructor(child: Child, { rawId, line }: ServerRequest) {
    this.child = child;
    const token = spanText(line.text, line.spans, SERVER_SLOT.metaToken);
    this.rawId = copied(rawId);
    this.#rawToken = token === undefined ? undefined : copied(token);
  }

  over(): void {
    this.child.asked();
  }

  answered({ text, spans }: ClientText): void {
    const edit = { slot: CLIENT_SLOT.id, text: utf8(this.rawId) };
    this.child.connection.write(splice(text, spans, [edit]));
  }

  progressed({ text, spans }: ClientText): void {
    if (this.#rawToken === undefined || !hasSpan(spans, CLIENT_SLOT.notifiedToken)) return;
    const edit = { slot: CLIENT_SLOT.notifiedToken, text: utf8(this.#rawToken) };
    this.child.connection.write(splice(text, spans, [edit]));
  }

  unanswered({ message }: Fault): void {
    this.child.refuse(this.rawId, RPC.internalError, message);
  }
}

const isOf = (child: Child, sink: AnswerSink): sink is ServerQuestion =>
  sink instanceof ServerQuestion && sink.child === child;

/** A part of a string keeps the whole of it in memory; a copy does not. */
const copied = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('latin1');
