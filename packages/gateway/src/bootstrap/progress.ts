import { startProgress, type Progress } from '../server/cli/progress.ts';

/** What a command is doing, on stderr where that is a terminal that can show it. */
export const progressOn = (text: string, { quiet }: { readonly quiet?: boolean } = {}): Progress =>
  startProgress(text, {
    stream: process.stderr,
    isStill: quiet === true || process.env['TERM'] === 'dumb',
  });
