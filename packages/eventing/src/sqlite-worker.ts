/** The thread that owns the connection that writes. It imports nothing that needs a build of another package. */
import { parentPort, workerData } from 'node:worker_threads';
import { problemOf } from './sqlite-problem.ts';
import { SqliteWriter } from './sqlite-writer.ts';
import type { FromWriter, ToWriter } from './writer-messages.ts';

function answer(writer: SqliteWriter, message: Exclude<ToWriter, { kind: 'close' }>): FromWriter {
  switch (message.kind) {
    case 'append':
      try {
        return { kind: 'appended', outcomes: writer.append(message.appends) };
      } catch (error) {
        return { kind: 'append-failed', problem: problemOf(error) };
      }
    case 'task':
      try {
        return { kind: 'task-done', result: writer.run(message.task) };
      } catch (error) {
        return { kind: 'task-failed', problem: problemOf(error) };
      }
  }
}

const port = parentPort;
const path: unknown = workerData;
if (port === null || typeof path !== 'string') throw new Error('this runs as a worker of a log');
const writer = new SqliteWriter(path);
// The other side is `sqlite-writer-thread.ts` of the same build.
port.on('message', (message: ToWriter) => {
  if (message.kind !== 'close') {
    port.postMessage(answer(writer, message));
    return;
  }
  writer.close();
  port.close();
});
