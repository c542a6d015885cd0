/** What must hold of an answer that was cut around its id. */
import type { RawAnswer } from '../../packages/gateway/src/application/ports.ts';
import { utf8Text } from '../../packages/gateway/src/application/byte-text.ts';
import { isObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { expect } from './target.ts';

/** Answers above are only scanned for where their id stands. */
const PARSED_BYTES_MAX = 65_536;
const MARK = '"the id of the client"';

/** A long one may be no JSON at all: then nobody reads anything in it. */
function parsed(text: string, isLong: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (isLong) return undefined;
    throw error;
  }
}

/** @throws Broken where a client who gets the answer reads another id, or no answer at all */
export function checkAnswer(answer: RawAnswer): void {
  const text = utf8Text([...answer.before, MARK, ...answer.after]);
  expect(!text.includes('\n'), 'an answer is one line', text);
  const message = parsed(text, answer.bytes > PARSED_BYTES_MAX);
  if (message === undefined) return;
  expect(isObject(message), 'an answer is an object', text);
  const ids = Object.keys(message).filter((key) => key.toLowerCase() === 'id');
  expect(ids.length === 1, 'no parser reads another id', ids);
  expect(JSON.stringify(message['id']) === MARK, 'the id is the one that was put in', text);
  expect(!('method' in message), 'an answer has no method', text);
  expect('error' in message === answer.isError, 'an error is told as one', text);
  expect('result' in message || answer.isError, 'an answer has a result or an error', text);
}
