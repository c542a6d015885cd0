/**
 * Tells that one of some files may have changed: as soon as the system says so, and where it does not, by looking.
 *
 * Folders are watched, not files: an editor that puts a new file in the place of the old one would leave a watch of the
 * old one behind. Looks notice what no folder tells of: another file behind a link, a network disk.
 */
import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** An editor writes more than once: it has this long for the rest. */
const QUIET_MS = 1_000;
/** Of a file that is written without end. */
const NOISE_MS_MAX = 5_000;

export interface FileWatchOptions {
  readonly onChange: () => void;
  /** Told once for each folder that the system cannot watch; it is looked at all the same. */
  readonly onProblem: (folder: string, error: unknown) => void;
}

export interface Watching {
  readonly files: readonly string[];
  /** The system is asked to tell. */
  readonly isTold: boolean;
  /** Between two looks; 0 = none. */
  readonly intervalMs: number;
}

export class FileWatch implements Disposable {
  readonly #options: FileWatchOptions;
  #watching: Watching = { files: [], isTold: false, intervalMs: 0 };
  readonly #folders = new Map<string, FSWatcher>();
  readonly #seen = new Map<string, string>();
  #look: NodeJS.Timeout | undefined;
  /** The files of the look that is under way. */
  #lookedAt: readonly string[] | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #noiseSinceMs: number | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Watches these from now on, and no others. Nothing keeps the process alive. */
  set(watching: Watching): void {
    this.#watching = watching;
    const folders = new Set(watching.isTold ? watching.files.map((file) => dirname(file)) : []);
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#listen(folder);
    clearInterval(this.#look);
    this.#look = undefined;
    if (watching.intervalMs > 0 && watching.files.length > 0)
      this.#look = setInterval(() => void this.#lookAtAll(), watching.intervalMs).unref();
    void this.#lookAtAll(); // the first look only learns what there is
  }

  [Symbol.dispose](): void {
    this.set({ files: [], isTold: false, intervalMs: 0 });
    clearTimeout(this.#quiet);
  }

  #listen(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        const isOurs = this.#watching.files.some((file) => {
          return dirname(file) === folder && (name === null || basename(file) === name);
        });
        if (isOurs) this.#hint();
      });
      watcher.on('error', (error) => {
        watcher.close();
        this.#folders.delete(folder);
        this.#options.onProblem(folder, error);
      });
      this.#folders.set(folder, watcher);
    } catch (error) {
      this.#options.onProblem(folder, error);
    }
  }

  /** One look at a time: where a disk hangs, each would hold a thread. */
  async #lookAtAll(): Promise<void> {
    const { files } = this.#watching;
    if (files === this.#lookedAt) return;
    this.#lookedAt = files;
    for (const file of this.#seen.keys()) if (!files.includes(file)) this.#seen.delete(file);
    for (const file of files) {
      const signature = await signatureOf(file);
      if (files !== this.#watching.files) return; // others take its place, or nobody watches any more
      const before = this.#seen.get(file);
      this.#seen.set(file, signature);
      if (before !== undefined && before !== signature) this.#hint();
    }
    this.#lookedAt = undefined;
  }

  /** Waits until the writing is over, but not for ever. */
  #hint(): void {
    const nowMs = performance.now();
    this.#noiseSinceMs ??= nowMs;
    const leftMs = Math.max(0, this.#noiseSinceMs + NOISE_MS_MAX - nowMs);
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(
      () => {
        this.#noiseSinceMs = undefined;
        this.#options.onChange();
      },
      Math.min(QUIET_MS, leftMs),
    ).unref();
  }
}

/** Another text whenever the file is another one or was written. */
async function signatureOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return 'none'; // reading it tells why
  }
}
