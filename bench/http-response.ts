import { Buffer } from 'node:buffer';

/** One HTTP response, as far as its bytes have come. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Body bytes by Content-Length; undefined when the body comes in chunks. */
  readonly length: number | undefined;
}

function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const status = Number(statusLine.split(' ')[1]);
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  return {
    status,
    headers,
    length: isChunked ? undefined : Number(headers.get('content-length') ?? 0),
  };
}

/** The data of a chunked body, or undefined while its end is missing. */
function dechunk(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (let lineEnd = bytes.indexOf('\r\n', at); lineEnd >= 0; lineEnd = bytes.indexOf('\r\n', at)) {
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const start = lineEnd + 2;
    if (start + size + 2 > bytes.length) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
  return undefined;
}

/**
 * Reads responses that come one after the other on a connection. It looks at the head once and then only
 * counts bytes, so that the client costs the same whoever answers.
 */
export class ResponseReader {
  #head: Head | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** Takes bytes; gives the response when these were its last. */
  push(chunk: Buffer): HttpResponse | undefined {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (!this.#head && !this.#readHead()) return undefined;
    const head = this.#head;
    if (!head || (head.length !== undefined && this.#bytes < head.length)) return undefined;
    const [first = chunk] = this.#chunks;
    const all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    const body = head.length === undefined ? dechunk(all) : all;
    if (!body) return undefined;
    this.#head = undefined;
    this.#chunks = [];
    this.#bytes = 0;
    return { status: head.status, headers: head.headers, body };
  }

  #readHead(): boolean {
    const all = Buffer.concat(this.#chunks);
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) return false;
    this.#head = parseHead(all.toString('latin1', 0, end));
    this.#chunks = [all.subarray(end + 4)];
    this.#bytes = all.length - end - 4;
    return true;
  }
}
