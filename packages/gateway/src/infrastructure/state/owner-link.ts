/** Connecting to the owner of a state folder. */
import { connect, type Socket } from 'node:net';
import {
  GREETING_BYTES_MAX,
  helloLine,
  readWelcome,
  type OwnerFacts,
  type Refusal,
  type Want,
} from '../../domain/local-socket/greeting.ts';

/** An owner that does not answer within this is busy or stopped; it is asked again. */
const WELCOME_MS_MAX = 2_000;
const NEWLINE = 10;

export type OwnerAnswer =
  /** The socket is paused; it carries what was asked for. */
  | { readonly kind: 'linked'; readonly socket: Socket; readonly facts: OwnerFacts }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  /** Nobody listens, or whoever does is silent. */
  | { readonly kind: 'absent' };

/** Greets the owner at a path and answers what it said. Never rejects. */
export function callOwner(path: string, want: Want, digest: string): Promise<OwnerAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    let head = Buffer.alloc(0);
    const settle = (answer: OwnerAnswer): void => {
      clearTimeout(limit);
      socket.off('data', onData);
      socket.off('error', giveUp);
      socket.off('close', giveUp);
      if (answer.kind !== 'linked') socket.on('error', () => undefined).destroy();
      resolve(answer);
    };
    const giveUp = (): void => settle({ kind: 'absent' });
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(NEWLINE);
      if (end === -1) {
        if (head.length > GREETING_BYTES_MAX) giveUp();
        return;
      }
      const welcome = readWelcome(head.toString('utf8', 0, end));
      if (welcome === undefined) return giveUp();
      if (!welcome.isWelcome) return settle({ kind: 'refused', reason: welcome.reason });
      socket.pause();
      if (end + 1 < head.length) socket.unshift(head.subarray(end + 1));
      settle({ kind: 'linked', socket, facts: welcome });
    };
    const limit = setTimeout(giveUp, WELCOME_MS_MAX);
    socket.on('error', giveUp);
    socket.on('close', giveUp);
    socket.on('data', onData);
    socket.write(helloLine(want, digest));
  });
}
