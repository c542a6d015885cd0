/**
 * Texts that are kept for a while: short ones in memory, long ones as files that only this user may read.
 *
 * Invariants
 * 1. A text is given to its owner and to nobody else; what is not there and what is another's look the same.
 * 2. All texts together have at most `bytesMax` bytes, and there are at most `entriesMax`. To make room the oldest text
 *    of whoever has the most of what is short goes: nobody can push out another's by keeping more.
 * 3. A file goes with its text: when it expires, is removed, or the store is closed. What a killed process left in the
 *    folder is removed before the first file is written, and at the start; nothing of another user is.
 *    (Who owns a folder can put a link in its place while it is being emptied.)
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type {
  ContinuationKey,
  ContinuationPage,
  ContinuationStore,
} from '../../application/batch/continuation-store.ts';
import { settlesWithin } from '../../application/settles-within.ts';
import { PAGE_MARGIN_BYTES, pageIn } from '../../domain/batch/page.ts';

export interface ContinuationFilesOptions {
  /** A folder of this gateway alone; undefined = one of its own in `temporaryFolder`, made when it is needed. */
  readonly folder: string | undefined;
  readonly temporaryFolder: string;
  readonly ttlMs: number;
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** Longer texts are files. */
  readonly memoryTextBytesMax?: number;
  /** Told that a file cannot be written; once until one can. */
  readonly onProblem: (reason: string) => void;
}

const MEMORY_TEXT_BYTES_MAX = 65_536;
/** Of what is in memory, that which no disk would take included. */
const MEMORY_BYTES_MAX = 33_554_432;
const WRITE_MS_MAX = 10_000;
const EXPIRY_MS_MIN = 1_000;
/** What a process that was killed leaves behind has its number. */
const TEMPORARY = /^mcp-hangar-results-(\d+)-/;

/** What one owner has. */
interface Holding {
  readonly bytes: number;
  readonly entries: number;
}

interface Entry {
  readonly owner: string;
  readonly bytes: number;
  readonly expiresAtMs: number;
  readonly place: Buffer | { readonly path: string };
}

export class ContinuationFiles implements ContinuationStore, AsyncDisposable {
  readonly #options: ContinuationFilesOptions;
  /** The oldest first: all live equally long. */
  readonly #entries = new Map<string, Entry>();
  readonly #holdings = new Map<string, Holding>();
  #bytes = 0;
  #memoryBytes = 0;
  #folder: Promise<string> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #hasProblem = false;
  readonly #cleared: Promise<unknown>;

  constructor(options: ContinuationFilesOptions) {
    this.#options = options;
    this.#cleared =
      options.folder === undefined
        ? Promise.resolve()
        : rm(options.folder, { recursive: true, force: true }).catch(() => undefined);
  }

  async put({ id, owner }: ContinuationKey, given: Buffer): Promise<boolean> {
    const text = isUtf8(given) ? given : Buffer.from(given.toString('utf8'));
    if (this.#isClosed || text.length > this.#options.bytesMax) return false;
    this.#makeRoom(text.length);
    if (this.#bytes + text.length > this.#options.bytesMax) return false; // others are being written
    const expiresAtMs = performance.now() + this.#options.ttlMs;
    // Its room is taken before it is written, so that those who come meanwhile do not take it too.
    this.#bytes += text.length;
    const place = await this.#placeFor(text);
    this.#bytes -= text.length;
    if (place === undefined || this.#isClosed) return false;
    this.#add(id, { owner, bytes: text.length, expiresAtMs, place });
    return true;
  }

  async page(
    key: ContinuationKey,
    { offset, limit }: { readonly offset: number; readonly limit: number },
  ): Promise<ContinuationPage | undefined> {
    const entry = this.#find(key);
    if (entry === undefined) return undefined;
    const from = Math.min(offset, entry.bytes);
    const to = Math.min(entry.bytes, from + limit + PAGE_MARGIN_BYTES);
    const read = await readFrom(entry.place, from, to - from);
    if (read === undefined) return undefined; // it expired this moment
    const { from: first, to: last } = pageIn(read, limit);
    return {
      data: read.toString('utf8', first, last),
      totalBytes: entry.bytes,
      nextOffset: from + last,
    };
  }

  async remove(key: ContinuationKey): Promise<boolean> {
    if (this.#find(key) === undefined) return false;
    await this.#forget(key.id);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#entries.clear();
    await this.#cleared;
    const folder = await this.#folder?.catch(() => undefined);
    if (folder !== undefined)
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }

  #find({ id, owner }: ContinuationKey): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.owner !== owner) return undefined;
    return entry.expiresAtMs > performance.now() ? entry : undefined;
  }

  /** Undefined where there is room for it nowhere. */
  async #placeFor(text: Buffer): Promise<Entry['place'] | undefined> {
    const { memoryTextBytesMax = MEMORY_TEXT_BYTES_MAX } = this.#options;
    const fitsMemory = this.#memoryBytes + text.length <= MEMORY_BYTES_MAX;
    if (text.length <= memoryTextBytesMax && fitsMemory) return this.#inMemory(text);
    const path = await this.#write(text);
    if (path !== undefined) return { path };
    return this.#memoryBytes + text.length <= MEMORY_BYTES_MAX ? this.#inMemory(text) : undefined;
  }

  /** A copy: the text may be a part of something much larger. */
  #inMemory(text: Buffer): Buffer {
    this.#memoryBytes += text.length;
    return Buffer.from(text);
  }

  /** Answers the path of a new file; undefined where it cannot be written. */
  async #write(text: Buffer): Promise<string | undefined> {
    const writing = this.#newFile(text);
    try {
      if (!(await settlesWithin(writing, WRITE_MS_MAX))) {
        void writing.then((path) => rm(path, { force: true })).catch(() => undefined);
        throw new Error('the disk does not answer');
      }
      const path = await writing;
      this.#hasProblem = false;
      return path;
    } catch (error) {
      if (!this.#hasProblem) this.#options.onProblem(messageOf(error));
      this.#hasProblem = true;
      return undefined;
    }
  }

  async #newFile(text: Buffer): Promise<string> {
    await this.#cleared;
    const folder = await (this.#folder ??= this.#makeFolder().catch((error: unknown) => {
      this.#folder = undefined; // it may work the next time
      throw error;
    }));
    const path = join(folder, `${randomUUID()}.json`);
    try {
      await writeFile(path, text, { mode: 0o600, flag: 'wx' });
      return path;
    } catch (error) {
      if (isCode(error, 'ENOENT')) this.#folder = undefined; // somebody has tidied up
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async #makeFolder(): Promise<string> {
    const { folder, temporaryFolder } = this.#options;
    if (folder !== undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    }
    await removeLeftovers(temporaryFolder);
    return mkdtemp(join(temporaryFolder, `mcp-hangar-results-${process.pid}-`));
  }

  #makeRoom(bytes: number): void {
    const { bytesMax, entriesMax } = this.#options;
    while (this.#entries.size > 0) {
      const isShort = this.#bytes + bytes > bytesMax;
      if (!isShort && this.#entries.size < entriesMax) return;
      const has = isShort ? 'bytes' : 'entries';
      const greediest = [...this.#holdings].reduce((most, one) =>
        one[1][has] > most[1][has] ? one : most,
      )[0];
      const oldest = [...this.#entries].find(([, { owner }]) => owner === greediest);
      if (oldest === undefined) return;
      void this.#forget(oldest[0]);
    }
  }

  #add(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    this.#bytes += entry.bytes;
    const { bytes, entries } = this.#holdings.get(entry.owner) ?? { bytes: 0, entries: 0 };
    this.#holdings.set(entry.owner, { bytes: bytes + entry.bytes, entries: entries + 1 });
    this.#expireLater();
  }

  async #forget(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
    const { bytes, entries } = this.#holdings.get(entry.owner) ?? { bytes: 0, entries: 0 };
    if (entries <= 1) this.#holdings.delete(entry.owner);
    else this.#holdings.set(entry.owner, { bytes: bytes - entry.bytes, entries: entries - 1 });
    if (Buffer.isBuffer(entry.place)) this.#memoryBytes -= entry.bytes;
    else await rm(entry.place.path, { force: true }).catch(() => undefined);
  }

  #expireLater(): void {
    const [first] = this.#entries.values();
    if (this.#timer !== undefined || first === undefined) return;
    const inMs = Math.max(EXPIRY_MS_MIN, first.expiresAtMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const nowMs = performance.now();
      for (const [id, { expiresAtMs }] of this.#entries) {
        if (expiresAtMs > nowMs) break;
        void this.#forget(id);
      }
      this.#expireLater();
    }, inMs).unref();
  }
}

/** What the path holds from `at` on; undefined where the file is gone. */
async function readFrom(
  place: Entry['place'],
  at: number,
  bytes: number,
): Promise<Buffer | undefined> {
  if (Buffer.isBuffer(place)) return place.subarray(at, at + bytes);
  try {
    await using file = await open(place.path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  }
}

/** Folders of this user whose process is gone. */
async function removeLeftovers(temporaryFolder: string): Promise<void> {
  const names = await readdir(temporaryFolder).catch(() => []);
  const gone = names.filter((name) => {
    const pid = Number(TEMPORARY.exec(name)?.[1]);
    return pid > 0 && pid !== process.pid && !isAlive(pid);
  });
  await Promise.all(
    gone.map(async (name) => {
      const path = join(temporaryFolder, name);
      if (await isOurFolder(path)) await rm(path, { recursive: true, force: true });
    }),
  ).catch(() => undefined);
}

/** On Windows the folder around it is the user's alone. */
async function isOurFolder(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
