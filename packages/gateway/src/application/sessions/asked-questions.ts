/** Requests of servers that wait for one client's answer, under ids of the session's own. */
import type { Bytes } from '../ports.ts';
import { CLIENT_SLOT, type ClientText } from '../../domain/protocol/client-message.ts';
import { hasSpan, spanText, splice } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import type { Child, ServerNotification, ServerRequest } from '../servers/child.ts';

/** A person may be behind the answer. */
const ANSWER_MS_MAX = 600_000;
/** Questions that wait for one client at one time. */
const QUESTIONS_MAX = 64;

interface Question {
  readonly child: Child;
  /** The server's id and progress token as it wrote them. */
  readonly rawId: string;
  readonly rawToken: string | undefined;
  readonly timer: NodeJS.Timeout;
}

export class AskedQuestions {
  readonly #open = new Map<number, Question>();
  #nextId = 1;

  /** The question as the client reads it; undefined where it was refused because too many are open. */
  put(child: Child, request: ServerRequest): readonly Bytes[] | undefined {
    if (this.#open.size >= QUESTIONS_MAX) {
      child.refuse(request.rawId, -32603, `${QUESTIONS_MAX} requests already wait for the client`);
      return undefined;
    }
    const id = this.#nextId++;
    const { text, spans } = request.line;
    const timer = setTimeout(() => this.#expire(id), ANSWER_MS_MAX);
    timer.unref();
    const rawToken = spanText(text, spans, SERVER_SLOT.metaToken);
    this.#open.set(id, { child, rawId: request.rawId, rawToken, timer });
    child.asking += 1;
    const own = String(id);
    return [
      splice(text, spans, [
        { slot: SERVER_SLOT.id, text: own },
        { slot: SERVER_SLOT.metaToken, text: own },
      ]),
    ];
  }

  /** The client's answer goes to the server that asked. An id that was never asked is ignored. */
  answer(id: unknown, { text, spans }: ClientText): void {
    const question = this.#take(id);
    question?.child.connection.write(
      splice(text, spans, [{ slot: CLIENT_SLOT.id, text: utf8(question.rawId) }]),
    );
  }

  /** Progress of the client on a question. */
  progress(token: unknown, { text, spans }: ClientText): void {
    const question = typeof token === 'number' ? this.#open.get(token) : undefined;
    if (question?.rawToken === undefined || !hasSpan(spans, CLIENT_SLOT.notifiedToken)) return;
    const edit = { slot: CLIENT_SLOT.notifiedToken, text: utf8(question.rawToken) };
    question.child.connection.write(splice(text, spans, [edit]));
  }

  /** The server takes a question back: the notification as the client reads it, or undefined. */
  takeBack(child: Child, cancelled: ServerNotification): readonly Bytes[] | undefined {
    const { text, spans } = cancelled.line;
    const rawId = spanText(text, spans, SERVER_SLOT.requestId);
    for (const [id, question] of this.#open) {
      if (question.child !== child || question.rawId !== rawId) continue;
      this.#take(id);
      return [splice(text, spans, [{ slot: SERVER_SLOT.requestId, text: String(id) }])];
    }
    return undefined;
  }

  /** The child is gone: the client is told not to answer. */
  childEnded(child: Child): readonly string[] {
    const ended = [...this.#open]
      .filter(([, question]) => question.child === child)
      .map(([id]) => id);
    return ended.map((id) => {
      this.#take(id);
      const params = JSON.stringify({ requestId: id, reason: 'the server has ended' });
      return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`;
    });
  }

  /** The client is gone: no server waits for it. */
  close(): void {
    for (const [id, { child, rawId }] of this.#open) {
      this.#take(id);
      child.refuse(rawId, -32603, 'the client is gone');
    }
  }

  #take(id: unknown): Question | undefined {
    const question = typeof id === 'number' ? this.#open.get(id) : undefined;
    if (typeof id !== 'number' || question === undefined) return undefined;
    this.#open.delete(id);
    clearTimeout(question.timer);
    question.child.asked();
    return question;
  }

  #expire(id: number): void {
    const question = this.#take(id);
    question?.child.refuse(
      question.rawId,
      -32603,
      `the client did not answer in ${ANSWER_MS_MAX / 1_000} s`,
    );
  }
}

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
