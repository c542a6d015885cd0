/** Answers of an HTTP/1.1 server, from all bytes of one connection. */

export interface HttpAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Those that are whole, and those whose end is the end of the connection. @throws Error for what is no HTTP */
export function httpAnswers(bytes: Buffer): readonly HttpAnswer[] {
  const answers: HttpAnswer[] = [];
  let rest = bytes.toString('latin1');
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(rest)?.[1];
    if (status === undefined) throw new Error(`no HTTP: ${rest.slice(0, 200)}`);
    if (end === -1) break;
    const head = rest.slice(0, end).toLowerCase();
    rest = rest.slice(end + 4);
    const read = head.includes('\r\ntransfer-encoding: chunked')
      ? chunked(rest)
      : sized(head, rest);
    answers.push({ status: Number(status), head, body: read.body });
    rest = read.rest;
  }
  return answers;
}

interface Body {
  readonly body: string;
  readonly rest: string;
}

function sized(head: string, text: string): Body {
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  const hasNone = /^http\/1\.1 (?:1\d\d|204|304)/.test(head);
  const end = hasNone ? 0 : length === undefined ? text.length : Number(length);
  return { body: text.slice(0, end), rest: text.slice(end) };
}

function chunked(text: string): Body {
  let body = '';
  let at = 0;
  for (;;) {
    const line = text.indexOf('\r\n', at);
    if (line === -1) return { body, rest: '' };
    const size = Number.parseInt(text.slice(at, line), 16);
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
    if (size === 0 || at > text.length) return { body, rest: text.slice(at) };
  }
}

/** The JSON-RPC messages of an answer, whether it is one body or a stream of events. */
export function messagesOf({ head, body }: HttpAnswer): readonly unknown[] {
  const utf8 = Buffer.from(body, 'latin1').toString('utf8');
  if (head.includes('content-type: application/json')) return [JSON.parse(utf8)];
  if (!head.includes('content-type: text/event-stream')) return [];
  return utf8
    .split('\n\n')
    .slice(0, -1)
    .flatMap((event) => event.split('\n'))
    .filter((line) => line.startsWith('data: ') && line.length > 6)
    .map((line) => line.slice(6))
    .map((data): unknown => JSON.parse(data));
}
