/** A home folder as people have it: the files of eight AI clients, and commands that run in it. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMAND, environment } from './gateway.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/clients/home/', import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class ClientHome implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'hangar-clients-'));

  /** Nothing is in it. */
  static empty(): ClientHome {
    return new ClientHome();
  }

  /** With the files of all eight clients. */
  static full(): ClientHome {
    const home = new ClientHome();
    cpSync(FIXTURE, home.folder, { recursive: true });
    for (const path of home.files())
      home.write(path, home.read(path).replaceAll('@HOME@', home.folder));
    return home;
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  json(path: string): unknown {
    return JSON.parse(this.read(path).replace('\uFEFF', ''));
  }

  write(path: string, text: string, mode?: number): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
    if (mode !== undefined) chmodSync(this.at(path), mode);
  }

  has(path: string): boolean {
    return existsSync(this.at(path));
  }

  /** All but what is ours alone: the state folder and the cache. */
  files(): readonly string[] {
    return globSync('**/*', { cwd: this.folder, exclude: (path) => /^\.(local|cache)$/.test(path) })
      .concat(globSync('**/.*/**', { cwd: this.folder }))
      .concat(globSync('.*', { cwd: this.folder }))
      .filter((path) => !/^\.(local|cache)(\/|$)/.test(path))
      .filter((path) => statSync(this.at(path)).isFile())
      .filter((path, index, all) => all.indexOf(path) === index)
      .toSorted();
  }

  /** Every file with its mode and its bytes. */
  snapshot(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.files().map((path) => {
        const mode = (statSync(this.at(path)).mode & 0o777).toString(8);
        return [path, `${mode} ${readFileSync(this.at(path)).toString('base64')}`];
      }),
    );
  }

  /** Runs a command line in the home, without a terminal. */
  run(...args: readonly string[]): Promise<Outcome> {
    return this.runIn(this.folder, ...args);
  }

  /** The same in another folder. */
  runIn(cwd: string, ...args: readonly string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { env: this.environment(), cwd };
      const child = execFile(process.execPath, [COMMAND, ...args], options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  environment(): Record<string, string> {
    return environment(this.folder);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
