/** One question of an operator's command, on a connection of its own. */
import type { Socket } from 'node:net';
import { firstLine } from '../../application/framing/first-line.ts';
import { QUERY_MS_MAX, QUESTION_BYTES_MAX } from '../../domain/local-socket/query.ts';

/** From the line of a question to the line of its answer. Never rejects. */
export type AnswerQuery = (question: string, signal: AbortSignal) => Promise<string>;

/** Reads the question, answers it and ends the connection, within QUERY_MS_MAX. Never rejects. */
export async function serveQuery(socket: Socket, answer: AnswerQuery): Promise<void> {
  const nobodyWaits = new AbortController();
  const limit = setTimeout(() => socket.destroy(), QUERY_MS_MAX);
  limit.unref();
  socket.on('close', () => {
    clearTimeout(limit);
    nobodyWaits.abort();
  });
  const bounds = { bytesMax: QUESTION_BYTES_MAX, msMax: QUERY_MS_MAX };
  const question = await firstLine(socket, bounds);
  if (question.kind !== 'line') {
    socket.destroy();
    return;
  }
  socket.on('end', () => socket.destroy());
  socket.resume(); // its end must be seen
  const text = await answer(question.text, nobodyWaits.signal);
  if (!socket.destroyed) socket.end(text);
}
