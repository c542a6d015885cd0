/** A configuration that a program hands over, and the next one that it does. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ConfigurationSource, NextConfiguration } from '../../application/ports.ts';
import { blocksToRestart, changedKeys } from '../reload/restart-keys.ts';
import type { LoadedConfig } from './load.ts';

export class GivenConfig implements ConfigurationSource {
  readonly path = 'the program';
  #served: LoadedConfig;
  #next: (() => LoadedConfig) | undefined;

  constructor(first: LoadedConfig) {
    this.#served = first;
  }

  /** The next reload takes this one; of several the last. @param load throws Fault CONFIG_INVALID */
  give(load: () => LoadedConfig): void {
    this.#next = load;
  }

  async next(): Promise<NextConfiguration | undefined> {
    if (this.#next === undefined)
      throw new Fault('CONFIG_MISSING', 'the configuration was handed over by the program', {
        data: { fix: 'Hand the next one to reload(config).' },
      });
    const next = this.#next();
    if (next.found.text === this.#served.found.text) return undefined;
    const blocks = blocksToRestart(this.#served.config, next.config);
    const sources = [this.#served.source, next.source] as const;
    return {
      servers: next.config.servers,
      groups: next.config.groups,
      execution: next.config.execution,
      needRestart: blocks.length === 0 ? [] : await changedKeys(...sources, blocks),
      adopt: () => {
        this.#served = next;
      },
    };
  }
}
