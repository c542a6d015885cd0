import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

export type Body =
  | { readonly kind: 'text'; readonly text: string; readonly value: unknown }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'not-json'; readonly reason: string };

/** Reads and parses a body. `done` is called once, or never where the client goes away before the end. */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  done: (body: Body) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) {
    done({ kind: 'too-large' });
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= bytesMax) {
      chunks.push(chunk);
      return;
    }
    request.off('data', onData);
    request.off('end', onEnd);
    request.pause();
    done({ kind: 'too-large' });
  };
  const onEnd = (): void => {
    const first = chunks[0];
    done(parse(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes)));
  };
  request.on('data', onData);
  request.on('end', onEnd);
}

function parse(bytes: Buffer): Body {
  if (!isUtf8(bytes)) return { kind: 'not-json', reason: 'the body is not UTF-8' };
  const text = bytes.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    return { kind: 'text', text, value };
  } catch (error) {
    return {
      kind: 'not-json',
      reason: error instanceof Error ? error.message : 'the body is not JSON',
    };
  }
}
