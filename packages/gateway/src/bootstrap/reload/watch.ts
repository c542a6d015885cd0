/** What makes a gateway read its configuration again although nobody asks for it in words. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { Logger } from '../../application/ports.ts';
import type { ReloadConfiguration } from '../../application/reload/reloads.ts';
import { settlesWithin } from '../../application/settles-within.ts';
import { FileWatch } from '../../infrastructure/files/file-watch.ts';
import type { ReloadConfig } from '../config/gateway-config.ts';
import type { ServedFile } from './served-file.ts';

/** How long a client that has read another content waits for us to read it, too. Below what it waits for a greeting. */
const CATCH_UP_MS_MAX = 1_500;

export class ConfigWatch implements Disposable {
  readonly #file: ServedFile;
  readonly #reload: ReloadConfiguration;
  readonly #watch: FileWatch;
  #isWatched = false;

  /** @param config of the first content; the ones that follow it says itself */
  constructor(
    file: ServedFile,
    config: ReloadConfig,
    { reload, logger }: { readonly reload: ReloadConfiguration; readonly logger: Logger },
  ) {
    this.#file = file;
    this.#reload = reload;
    this.#watch = new FileWatch({
      onChange: () => void this.#unasked('file'),
      onProblem: (folder, error) =>
        logger.warn({ folder, reason: messageOf(error) }, 'configuration_not_watched'),
    });
    this.#follow(config);
    file.onAdopted(({ reload: next, notices }) => {
      this.#follow(next);
      for (const note of notices) logger.warn({ note }, 'configuration_notice');
    });
    // It may have been changed between its reading and the first look.
    if (this.#isWatched) void this.#unasked('file');
  }

  /** SIGHUP. */
  signalled(): void {
    void this.#reload({ by: 'signal' }).catch(() => undefined); // it is in the log
  }

  /**
   * Whether the digest is one of what is served, or was; where it is not, the file may say something else since a
   * moment.
   */
  async isOurs(digest: string): Promise<boolean> {
    if (this.#file.hasServed(digest)) return true;
    if (this.#isWatched) await settlesWithin(this.#unasked('client'), CATCH_UP_MS_MAX);
    return this.#file.hasServed(digest);
  }

  [Symbol.dispose](): void {
    this.#isWatched = false;
    this.#watch[Symbol.dispose]();
  }

  #follow({ isWatched, isTold, intervalMs }: ReloadConfig): void {
    this.#isWatched = isWatched;
    const { files } = this.#file;
    this.#watch.set(
      isWatched ? { files, isTold, intervalMs } : { files: [], isTold: false, intervalMs: 0 },
    );
  }

  #unasked(by: string): Promise<unknown> {
    return this.#reload({ by, isUnasked: true }).catch(() => undefined); // it is in the log
  }
}
