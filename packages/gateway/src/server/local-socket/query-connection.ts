/** Questions of operators' commands, each on a connection of its own. */
import type { Socket } from 'node:net';
import { firstLine } from '../../application/framing/first-line.ts';
import {
  answerLine,
  itemLine,
  missedLine,
  QUESTION_BYTES_MAX,
  QUESTION_MS_MAX,
  WORKING_LINE,
  WORKING_MS,
} from '../../domain/local-socket/query.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

/** Questions that are worked on at one time. */
export const QUESTIONS_MAX = 64;
const REPLACED = 'the program of the gateway was replaced while it ran; it is to be started again';
/** What a command does not read is left out beyond this; it is told how much. */
const UNREAD_BYTES_MAX = 1_048_576;

/** Says something before the answer. Never waits. */
export type Tell = (item: JsonObject) => void;

/** From the line of a question to the line of its answer. Rejects where what answers cannot be loaded. */
export type AnswerQuery = (question: string, signal: AbortSignal, tell: Tell) => Promise<string>;

export class QueryConnections {
  readonly #answer: AnswerQuery;
  #open = 0;

  constructor(answer: AnswerQuery) {
    this.#answer = answer;
  }

  /** Reads the question, answers it and ends the connection. How long the answer may take is its entry's to say. */
  serve(socket: Socket): void {
    if (this.#open >= QUESTIONS_MAX) {
      const message = `the gateway works on ${QUESTIONS_MAX} questions of commands; ask again`;
      socket.end(answerLine({ isOk: false, code: 'GATEWAY_BUSY', message }));
      socket.resume();
      return;
    }
    this.#open += 1;
    socket.on('close', () => {
      this.#open -= 1;
    });
    void this.#serve(socket);
  }

  async #serve(socket: Socket): Promise<void> {
    const nobodyWaits = new AbortController();
    socket.on('close', () => nobodyWaits.abort());
    const bounds = { bytesMax: QUESTION_BYTES_MAX, msMax: QUESTION_MS_MAX };
    const question = await firstLine(socket, bounds);
    if (question.kind !== 'line') {
      socket.destroy();
      return;
    }
    socket.on('end', () => socket.destroy());
    socket.resume(); // its end must be seen
    const working = setInterval(() => {
      if (socket.writableLength === 0) socket.write(WORKING_LINE);
    }, WORKING_MS);
    socket.on('close', () => clearInterval(working));
    const stream = new ItemStream(socket);
    try {
      stream.end(
        await this.#answer(question.text, nobodyWaits.signal, (item) => stream.tell(item)),
      );
    } catch {
      stream.end(answerLine({ isOk: false, code: 'GATEWAY_OTHER_VERSION', message: REPLACED }));
    } finally {
      clearInterval(working);
    }
  }
}

/** Lines to a reader that may be slower than what there is to say. */
class ItemStream {
  readonly #socket: Socket;
  #missed = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  tell(item: JsonObject): void {
    if (!this.#socket.writable) return;
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) {
      this.#missed += 1;
      return;
    }
    this.#sayMissed();
    this.#socket.write(itemLine(item));
  }

  end(answer: string): void {
    if (!this.#socket.writable) return;
    this.#sayMissed();
    this.#socket.end(answer);
  }

  #sayMissed(): void {
    if (this.#missed === 0) return;
    this.#socket.write(missedLine(this.#missed));
    this.#missed = 0;
  }
}
