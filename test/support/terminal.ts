/** The command in a terminal, as a person has one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { needs, type Requirement } from '../../scripts/requirements.ts';
import type { ClientHome } from './client-home.ts';
import { COMMAND } from './gateway.ts';
import { until } from './until.ts';

export const ENTER = '\r';
export const CTRL_C = '\u0003';

export const needsScript = (): Requirement =>
  needs('script', () => spawnSync('script', ['--version']).stdout?.includes('util-linux'));

/** A command in a terminal, as `script` gives it one. */
export class Terminal implements Disposable {
  readonly #child: ReturnType<typeof spawn>;
  readonly #ended: Promise<unknown[]>;
  #text = '';
  #seen = 0;

  private constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    this.#ended = once(child, 'exit');
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#text += chunk;
    });
  }

  static async run(home: ClientHome, ...args: readonly string[]): Promise<Terminal> {
    const words = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
    // Without a size nothing fits into it.
    const line = `stty cols 200 rows 60; exec ${words}`;
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: home.folder,
      env: { ...home.environment(), TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await once(child, 'spawn');
    return new Terminal(child);
  }

  text(): string {
    return this.#text;
  }

  /** Types when the question is there. */
  async answer(question: string, keys: string): Promise<void> {
    this.#seen = await until(`it asks "${question}"`, () => {
      const at = this.#text.indexOf(question, this.#seen);
      return at === -1 ? undefined : at + question.length;
    });
    this.#child.stdin?.write(keys);
  }

  async end(): Promise<unknown> {
    const [code] = await this.#ended;
    return code;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL'); // of one that has ended, nothing
  }
}
