/**
 * What a command is doing, while it takes long: one line that moves, on a terminal only, and gone when it is over.
 * Into a pipe or a file nothing is written.
 */
import { harmless } from './harmless.ts';

/** What is over within this time shows nothing. */
const PATIENCE_MS = 300;
const FRAME_MS = 100;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const TO_LINE_START = '\r\u001B[2K';
const COLUMNS = 80;

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress extends Disposable {
  /** What it is doing now. */
  say(text: string): void;
  /** A whole line for good, above what moves. Written also where nothing moves. */
  print(line: string): void;
}

export interface ProgressOptions {
  /** Usually stderr. */
  readonly stream: ProgressStream;
  /** Nothing moves: the user asked for quiet, or the terminal cannot (TERM=dumb). */
  readonly isStill?: boolean;
}

/** Begins with `text`; ends with its disposal. */
export function startProgress(
  text: string,
  { stream, isStill = false }: ProgressOptions,
): Progress {
  if (stream.isTTY !== true || isStill) {
    return {
      say: () => undefined,
      print: (line) => void stream.write(`${line}\n`),
      [Symbol.dispose]: () => undefined,
    };
  }
  let now = text;
  let frame = 0;
  let isShown = false;
  const draw = (): void => {
    isShown = true;
    stream.write(TO_LINE_START + cut(`${FRAMES[frame] ?? ''} ${now}`, widthOf(stream)));
    frame = (frame + 1) % FRAMES.length;
  };
  const clear = (): void => {
    if (isShown) stream.write(TO_LINE_START);
    isShown = false;
  };
  let ticking: NodeJS.Timeout | undefined;
  const waiting = setTimeout(() => {
    draw();
    ticking = setInterval(draw, FRAME_MS).unref();
  }, PATIENCE_MS).unref();
  return {
    say: (next) => {
      now = next;
      if (isShown) draw();
    },
    print: (line) => {
      const wasShown = isShown;
      clear();
      stream.write(`${line}\n`);
      if (wasShown) draw();
    },
    [Symbol.dispose]: () => {
      clearTimeout(waiting);
      clearInterval(ticking);
      clear();
    },
  };
}

/** A terminal that does not know its width says 0. */
const widthOf = ({ columns = 0 }: ProgressStream): number => (columns > 0 ? columns : COLUMNS);

/** One line without what would steer the terminal; the last column stays free, or the line would wrap. */
function cut(text: string, columns: number): string {
  const clean = harmless(text);
  return clean.length < columns ? clean : `${clean.slice(0, Math.max(0, columns - 2))}…`;
}
