/** Why a process of ours stops, whatever it does: asked by a signal, by the end of its launcher, or by a defect. */
import { Socket } from 'node:net';
import { INTERRUPTED, SYSTEM_ERROR } from './exit-codes.ts';

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** Waits for the first reason to stop. A second signal ends the process at once. */
export function whenAsked(onDefect: (error: unknown) => void): Promise<Ending> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
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
