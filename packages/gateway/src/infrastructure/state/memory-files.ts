/** What was learnt of each server, one small JSON file a server, replaced as a whole or not at all. */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { MemoryStore, ServerMemory } from '../../application/ports.ts';
import type { ServerCatalog } from '../../domain/catalog/server-catalog.ts';
import type { EraVerdict } from '../../domain/mcp-server/eras.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { isObject } from '../../domain/protocol/json-rpc.ts';

/** Changes of one server within this time make one write. */
const SETTLE_MS = 200;
/** After a failure, what could not be written is tried again. */
const RETRY_MS = 10_000;
const FILE_BYTES_MAX = 67_108_864;
const FORMAT = 1;

interface MemoryFile {
  readonly eras: EraVerdict;
  readonly catalogs: readonly (readonly [string, Kept])[];
}

interface Kept extends Omit<ServerCatalog, 'uncallable'> {
  readonly uncallable?: readonly unknown[];
}

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
  #isPrepared = false;

  constructor(options: MemoryFilesOptions) {
    this.#options = options;
  }

  load(spec: McpServerSpec): ServerMemory | undefined {
    let file: unknown;
    try {
      file = JSON.parse(readFileSync(this.#pathOf(spec), 'utf8'));
    } catch {
      return undefined; // none yet, or one that a crash left: it is learnt anew
    }
    if (!isMemoryFile(file, spec.digest)) return undefined;
    return { eras: file.eras, catalogs: file.catalogs.map(([key, kept]) => [key, opened(kept)]) };
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
        if (due.length > 0) await this.#prepare();
        for (const { spec, memory } of due) await this.#replace(spec, memory);
        if (due.length > 0) this.#options.onProblem(undefined);
      } catch (error) {
        this.#options.onProblem(messageOf(error));
        for (const one of due) if (!this.#due.has(one.spec.id)) this.#due.set(one.spec.id, one);
        this.#timer ??= setTimeout(() => void this.#write(), RETRY_MS).unref();
      }
    });
    return this.#writing;
  }

  /** Makes the folder; removes what a killed gateway had begun to write. */
  async #prepare(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    const begun = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
    await Promise.all(begun.map((name) => rm(join(folder, name), { force: true })));
  }

  async #replace(spec: McpServerSpec, memory: ServerMemory): Promise<void> {
    const path = this.#pathOf(spec);
    const text = JSON.stringify({ format: FORMAT, digest: spec.digest, ...memory }, setsAsLists);
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

const setsAsLists = (_key: string, value: unknown): unknown =>
  value instanceof Set ? [...value] : value;

const opened = ({ uncallable, ...kept }: Kept): ServerCatalog =>
  uncallable === undefined ? kept : { ...kept, uncallable: new Set(uncallable) };

const LISTS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

/** Written out by hand: every AI client waits for this at its start, for all servers. */
function isMemoryFile(file: unknown, digest: string): file is MemoryFile {
  if (!isObject(file) || file['format'] !== FORMAT || file['digest'] !== digest) return false;
  const { eras, catalogs } = file;
  return (
    isObject(eras) &&
    typeof eras['seenAtMs'] === 'number' &&
    isFlag(eras['legacy']) &&
    isFlag(eras['modern']) &&
    Array.isArray(catalogs) &&
    catalogs.every(
      (entry) => Array.isArray(entry) && typeof entry[0] === 'string' && isKept(entry[1]),
    )
  );
}

const isFlag = (value: unknown): boolean => value === undefined || typeof value === 'boolean';

function isKept(kept: unknown): boolean {
  if (!isObject(kept) || !isObject(kept['hello'])) return false;
  const { era, incomplete, uncallable } = kept;
  return (
    (era === 'legacy' || era === 'modern') &&
    (incomplete === undefined || typeof incomplete === 'string') &&
    (uncallable === undefined || Array.isArray(uncallable)) &&
    LISTS.every((list) => {
      const items = kept[list];
      return Array.isArray(items) && items.every(isObject);
    })
  );
}

/** For a gateway without a state folder: what is learnt lasts as long as the process. */
export const FORGETFUL: MemoryStore = { load: () => undefined, save: () => undefined };
