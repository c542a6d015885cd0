/** Progress of a gateway tool under the client's own token, always rising. */
import { latin1 } from '../byte-text.ts';
import type { Progress } from '../calls/internal-call.ts';
import type { Bytes } from '../ports.ts';
import type { Stage } from '../use-case.ts';

/** Where each stage stands on the way from 0 to 5. */
const STEP: Readonly<Record<Stage, number>> = {
  cold_start: 0.5,
  launching: 1,
  initializing: 1.5,
  discovering_tools: 2,
  connecting: 2.5,
  ready: 3,
  executing: 3.5,
  retrying: 3.5,
  processing: 4.5,
  complete: 5,
  failed: 5,
};
const TOTAL = 5;
/** What the server reports lies between these two. */
const [SERVER_FROM, SERVER_TO] = [3.5, 4.4];

export class ProgressReporter {
  readonly #rawToken: string;
  readonly #send: (message: readonly Bytes[]) => void;
  #last = Number.NEGATIVE_INFINITY;

  /** @param rawToken as JSON text */
  constructor(rawToken: string, send: (message: readonly Bytes[]) => void) {
    this.#rawToken = rawToken;
    this.#send = send;
  }

  stage(stage: Stage, message: string): void {
    // Another attempt may follow what was told of the one before, and one more may follow it.
    const step = stage === 'retrying' ? this.#halfwayOn : STEP[stage];
    this.#tell(step, TOTAL, `[${stage}] ${message}`);
  }

  /** What the server reports, as a part of `executing`. */
  during({ progress, total, message }: Progress): void {
    const share = total === undefined || total <= 0 ? undefined : Math.min(1, progress / total);
    // Without a total each report takes half of what is left.
    const next =
      share === undefined ? this.#halfwayOn : SERVER_FROM + share * (SERVER_TO - SERVER_FROM);
    const said = message ?? (total === undefined ? `${progress}` : `${progress} of ${total}`);
    this.#tell(next, TOTAL, `[executing] ${said}`);
  }

  get #halfwayOn(): number {
    return Math.max(this.#last, SERVER_FROM) / 2 + SERVER_TO / 2;
  }

  /** What the server reports, as it is. */
  asIs({ progress, total, message }: Progress): void {
    this.#tell(progress, total, message);
  }

  #tell(progress: number, total: number | undefined, message: string | undefined): void {
    if (progress <= this.#last) return;
    this.#last = progress;
    const rest = JSON.stringify({ progress, total, message }).slice(1);
    const text = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${this.#rawToken},${rest}}`;
    this.#send([latin1(text)]);
  }
}
