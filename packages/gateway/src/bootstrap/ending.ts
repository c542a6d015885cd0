/** Why a process of ours stops, whatever it does: asked by a signal, by the end of its launcher, or by a defect. */
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { INTERRUPTED, SYSTEM_ERROR } from './exit-codes.ts';

const STDIN = 0;

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/**
 * Waits for the first reason to stop. A second signal ends the process at once.
 * @param onHangUp done on SIGHUP, which else is such a reason; always one where the terminal has gone
 */
export function whenAsked(
  onDefect: (error: unknown) => void,
  onHangUp?: () => void,
): Promise<Ending> {
  const hadTerminal = process.stdin.isTTY;
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      const isAsked = signal === 'SIGHUP' && process.platform !== 'win32';
      if (isAsked && onHangUp !== undefined && (!hadTerminal || isatty(STDIN))) return onHangUp();
      if (isStopping) process.exit(INTERRUPTED); // asked twice; the guardian ends the children
      isStopping = true;
      resolve({ code: 0, reason: signal });
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)
      process.on(signal, onSignal);
    process.on('uncaughtException', (error) => {
      onDefect(error);
      resolve({ code: SYSTEM_ERROR, reason: 'a defect' });
    });
    // A promise that nobody waited for failed: what it belonged to is over, everything else goes on.
    process.on('unhandledRejection', onDefect);
    watchLauncher(() => resolve({ code: 0, reason: 'the launcher has ended' }));
  });
}

/** The launcher holds the other end of this pipe: its end is ours. */
function watchLauncher(onEnd: () => void): void {
  const fd = Number(process.env['HANGAR_PARENT_FD']);
  if (!Number.isInteger(fd) || fd < 3) return;
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on('error', () => undefined);
  pipe.on('close', onEnd);
  pipe.resume();
  pipe.unref();
}
