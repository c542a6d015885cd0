/** One line on a terminal that says what is waited for; nothing where there is no terminal, or it does not take long. */

const FIRST_MS = 500;
const AGAIN_MS = 1_000;
const CLEAR = '\r\u001B[2K';

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #beganAtMs = performance.now();
  #text = '';
  #isShown = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** What is waited for from now on. */
  show(text: string): void {
    this.#text = text.replaceAll(/\p{Cc}/gu, ' ');
    if (!this.#stream.isTTY) return;
    if (this.#isShown) this.#draw();
    else this.#timer ??= setTimeout(() => this.#draw(), FIRST_MS).unref();
  }

  /** Takes the line away. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isShown) this.#stream.write(CLEAR);
    this.#isShown = false;
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#isShown = true;
    const seconds = Math.round((performance.now() - this.#beganAtMs) / 1_000);
    const line = `${this.#text} (${seconds} s)`;
    this.#stream.write(`${CLEAR}${line.slice(0, Math.max(1, this.#stream.columns - 1))}`);
    this.#timer = setTimeout(() => this.#draw(), AGAIN_MS).unref();
  }
}
