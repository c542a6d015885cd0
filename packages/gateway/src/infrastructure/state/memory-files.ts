/** What was learnt of each server, one small JSON file a server, replaced as a whole or not at all. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { MemoryStore, ServerMemory } from '../../application/ports.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';

/** Changes of one server within this time make one write. */
const SETTLE_MS = 200;
/** After a failure, what could not be written is tried again. */
const RETRY_MS = 10_000;
const FILE_BYTES_MAX = 67_108_864;
const FORMAT = 1;

const items = z.array(z.record(z.string(), z.unknown()));
const MemoryFile = z.object({
  format: z.literal(FORMAT),
  digest: z.string(),
  eras: z.object({
    legacy: z.boolean().optional(),
    modern: z.boolean().optional(),
    seenAtMs: z.number(),
  }),
  catalogs: z.array(
    z.tuple([
      z.string(),
      z.object({
        era: z.enum(['legacy', 'modern']),
        hello: z.record(z.string(), z.unknown()),
        tools: items,
        prompts: items,
        resources: items,
        resourceTemplates: items,
      }),
    ]),
  ),
});

export interface MemoryFilesOptions {
  readonly folder: string;
  /** Told after every write; undefined where it went well. */
  readonly onProblem: (reason: string | undefined) => void;
}

export class MemoryFiles implements MemoryStore, AsyncDisposable {
  readonly #options: MemoryFilesOptions;
  readonly #due = new Map<
    string,
    { readonly spec: McpServerSpec; readonly memory: ServerMemory }
  >();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: MemoryFilesOptions) {
    this.#options = options;
  }

  load(spec: McpServerSpec): ServerMemory | undefined {
    let file: z.infer<typeof MemoryFile>;
    try {
      file = MemoryFile.parse(JSON.parse(readFileSync(this.#pathOf(spec), 'utf8')));
    } catch {
      return undefined; // none yet, or one that a crash or another version left: it is learnt anew
    }
    if (file.digest !== spec.digest) return undefined;
    const { legacy, modern, seenAtMs } = file.eras;
    return { eras: { legacy, modern, seenAtMs }, catalogs: file.catalogs };
  }

  save(spec: McpServerSpec, memory: ServerMemory): void {
    this.#due.set(spec.id, { spec, memory });
    this.#timer ??= setTimeout(() => void this.#write(), SETTLE_MS).unref();
  }

  /** Writes what is due. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#write();
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const due = [...this.#due.values()];
    this.#due.clear();
    this.#writing = this.#writing.then(async () => {
      try {
        if (due.length > 0) await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
        for (const { spec, memory } of due) await this.#replace(spec, memory);
        if (due.length > 0) this.#options.onProblem(undefined);
      } catch (error) {
        this.#options.onProblem(error instanceof Error ? error.message : String(error));
        for (const one of due) if (!this.#due.has(one.spec.id)) this.#due.set(one.spec.id, one);
        this.#timer ??= setTimeout(() => void this.#write(), RETRY_MS).unref();
      }
    });
    return this.#writing;
  }

  async #replace(spec: McpServerSpec, memory: ServerMemory): Promise<void> {
    const path = this.#pathOf(spec);
    const text = JSON.stringify({ format: FORMAT, digest: spec.digest, ...memory });
    if (Buffer.byteLength(text) > FILE_BYTES_MAX) return;
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, text, { mode: 0o600, flush: true });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  #pathOf({ id }: McpServerSpec): string {
    return join(this.#options.folder, `${id}.json`);
  }
}

/** For a gateway without a state folder: what is learnt lasts as long as the process. */
export const FORGETFUL: MemoryStore = { load: () => undefined, save: () => undefined };
