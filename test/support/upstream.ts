/** Configuration of our own fixtures as servers, and what their processes have seen. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './gateway.ts';

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));

/** The fixture that offers every name of the conformance suite. */
export const conformanceServer = (keys: Config = {}, era: 'legacy' | 'dual' = 'dual'): Config => ({
  command: [process.execPath, fixture('conformance-server/main.ts'), '--era', era],
  ...keys,
});

/** The fixture that speaks 2026-07-28 alone. */
export const modernServer = (keys: Config = {}): Config => ({
  command: [process.execPath, fixture('modern-server/main.ts')],
  ...keys,
});

/** A modern server on SDK v2 whose resources change when it is told. @param mode `silent` declares no subscriptions */
export const subscriptionsServer = (mode: 'loud' | 'silent' = 'loud'): Config => ({
  command: [process.execPath, fixture('subscriptions/server.ts'), 'stdio', mode],
});

/** @param args options of the misbehaving fixture: see its head */
export const upstream = (args: readonly string[] = [], keys: Config = {}): Config => ({
  command: [process.execPath, fixture('upstream/upstream.mjs')],
  args,
  ...keys,
});

/** @param args options of the fixture whose tools run as tasks: see its head */
export const taskServer = (args: readonly string[] = [], keys: Config = {}): Config => ({
  command: [process.execPath, fixture('tasks/main.ts')],
  args,
  ...keys,
});

/** What one process of the misbehaving fixture wrote down. */
export interface Seen {
  readonly pid: number;
  readonly what: 'start' | 'in' | 'exit';
  /** The line that it read, as it was. */
  readonly line?: string;
}

/** A file into which the processes of a fixture write what they see. */
export class Journal implements AsyncDisposable {
  readonly folder: string;
  readonly file: string;

  constructor(folder: string) {
    this.folder = folder;
    this.file = join(folder, 'journal.jsonl');
  }

  static async open(): Promise<Journal> {
    return new Journal(await mkdtemp(join(tmpdir(), 'hangar-journal-')));
  }

  get option(): string {
    return `--log=${this.file}`;
  }

  entries(): readonly Seen[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, 'utf8').split('\n').slice(0, -1);
    // Written by our own fixture, one whole line an entry.
    return lines.map((line) => JSON.parse(line) as Seen);
  }

  /** The processes that were started, in order. */
  starts(): readonly number[] {
    return this.entries()
      .filter(({ what }) => what === 'start')
      .map(({ pid }) => pid);
  }

  /** The lines that all processes read and that contain `part`. */
  lines(part: string): readonly string[] {
    return this.entries().flatMap(({ line }) => (line?.includes(part) === true ? [line] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
