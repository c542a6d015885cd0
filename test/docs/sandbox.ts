/** A home of its own in which the commands of one page run, one after the other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { environment, ROOT } from '../support/gateway.ts';
import { until, within } from '../support/until.ts';

const COMMAND_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;

export class Sandbox implements AsyncDisposable {
  /** `~` of the page, and where its commands run. */
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'hangar-docs-')));
  readonly #env: Record<string, string>;
  readonly #background: ChildProcess[] = [];

  constructor() {
    mkdirSync(join(this.home, 'docs'));
    // What is installed in the clone can be required here, as behind `npm install`.
    symlinkSync(join(ROOT, 'node_modules'), join(this.home, 'node_modules'));
    const base = environment(this.home);
    const path = [join(ROOT, 'node_modules', '.bin'), dirname(process.execPath), base['PATH']];
    this.#env = { ...base, PATH: path.join(delimiter), NO_COLOR: '1' };
  }

  write(file: string, text: string): void {
    const path = join(this.home, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** What a command prints on both pipes. One that ends in `&` stays; it is waited for until `isEnough`. */
  async run(command: string, isEnough: (text: string) => boolean): Promise<string> {
    const stays = command.endsWith('&');
    const child = spawn('bash', ['-c', stays ? `exec ${command.slice(0, -1)}` : command], {
      cwd: this.home,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const pipe of [child.stdout, child.stderr])
      pipe.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const said = (): string => text.replaceAll(this.home, '/home/you');
    if (!stays) {
      await within(command, closed, COMMAND_MS_MAX);
      return said();
    }
    this.#background.push(child);
    await until(command, () => isEnough(said()) || child.exitCode !== null, COMMAND_MS_MAX).catch(
      () => undefined, // what it said is compared
    );
    return said();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#background) {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await within('a command of the page ends', gone, STOP_MS_MAX);
    }
    await rm(this.home, { recursive: true, force: true, maxRetries: 3 });
  }
}
