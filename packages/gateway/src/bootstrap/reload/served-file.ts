/** The configuration file that a gateway serves: what it was when it was read last, and what it comes to now. */
import { stat } from 'node:fs/promises';
import type {
  ConfigurationSource,
  DescribeConfiguration,
  NextConfiguration,
} from '../../application/ports.ts';
import { isSame } from '../../domain/mcp-server/spec-change.ts';
import { configDigest } from '../config-identity.ts';
import { envFilePath, type EnvFile, readEnvFile } from '../config/env-file.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { Environment } from '../config/interpolate.ts';
import { loadGatewayConfig, type ConfigSource } from '../config/load-config.ts';
import type { ConfigOverrides } from '../config/overlay.ts';
import { readConfigText } from '../config/read-config-text.ts';
import { configFault } from '../outcome.ts';
import { blocksToRestart, changedKeys } from './restart-keys.ts';

/** Contents that the gateway has served, by which those who know an earlier one still find it. */
const DIGESTS_MAX = 64;
const NOTHING_CHANGED = 'nothing was changed';

interface Content {
  readonly text: string;
  readonly envFile: EnvFile;
}

export interface FirstContent extends Content {
  /** Absolute. */
  readonly path: string;
  readonly config: GatewayConfig;
}

/** What stands over the file: the same for every content of it. */
export interface Over {
  readonly env: Environment;
  readonly overrides: ConfigOverrides;
}

export class ServedFile implements ConfigurationSource {
  readonly path: string;
  readonly #over: Over;
  #content: Content;
  #config: GatewayConfig;
  /** The content that was seen last, where it was refused. */
  #refused: Content | undefined;
  readonly #digests = new Set<string>();
  readonly #listeners = new Set<(config: GatewayConfig) => void>();

  constructor({ path, text, envFile, config }: FirstContent, over: Over) {
    this.path = path;
    this.#over = over;
    this.#content = { text, envFile };
    this.#config = config;
    this.#remember();
  }

  /** The files whose change may change the configuration. */
  get files(): readonly string[] {
    const { written } = this.#content.envFile;
    return written === undefined ? [this.path] : [this.path, envFilePath(this.path, written)];
  }

  /** Whether this is, or was, the digest of what is served; see `configDigest`. */
  hasServed(digest: string): boolean {
    return this.#digests.has(digest);
  }

  /** Hears of every content that is served from then on. */
  onAdopted(listener: (config: GatewayConfig) => void): void {
    this.#listeners.add(listener);
  }

  async next(isAsked: boolean): Promise<NextConfiguration | undefined> {
    const content = await this.#read();
    if (isSame(content, this.#content)) {
      this.#refused = undefined;
      return undefined;
    }
    if (!isAsked && isSame(content, this.#refused)) return undefined;
    const loaded = loadGatewayConfig(this.#source(content));
    const blocks = loaded.ok ? blocksToRestart(this.#config, loaded.value) : [];
    this.#refused = loaded.ok && blocks.length === 0 ? undefined : content;
    if (!loaded.ok) throw configFault(loaded.error, 'CONFIG_INVALID', NOTHING_CHANGED);
    const config = loaded.value;
    const sources = [this.#source(this.#content), this.#source(content)] as const;
    return {
      servers: config.servers,
      groups: config.groups,
      execution: config.execution,
      needRestart: blocks.length === 0 ? [] : await changedKeys(...sources, blocks),
      adopt: () => this.#adopt(content, config),
    };
  }

  /** What is served, for an operator. */
  readonly describe: DescribeConfiguration = async (salt) => {
    const { effectiveConfig } = await import('../config/effective.ts');
    const values = effectiveConfig(this.#source(this.#content), salt);
    if (!values.ok) throw configFault(values.error);
    return { file: this.path, values: values.value };
  };

  /** @throws Fault CONFIG_INVALID */
  async #read(): Promise<Content> {
    // Opening a pipe would wait for somebody to write.
    const found = await stat(this.path).catch(() => undefined);
    if (found !== undefined && !found.isFile() && !found.isDirectory()) {
      const message = 'the file is no regular file any more';
      const at = { file: this.path, line: undefined, column: undefined, path: '' };
      const problem = { ...at, message, fix: 'write the configuration to a file' };
      throw configFault([problem], 'CONFIG_INVALID', NOTHING_CHANGED);
    }
    const text = await readConfigText(this.path);
    if (!text.ok) throw configFault([text.error], 'CONFIG_INVALID', NOTHING_CHANGED);
    return { text: text.value, envFile: await readEnvFile(this.path, text.value) };
  }

  #source(content: Content): ConfigSource {
    return { ...content, ...this.#over, path: this.path };
  }

  #adopt(content: Content, config: GatewayConfig): void {
    this.#content = content;
    this.#config = config;
    this.#refused = undefined;
    this.#remember();
    for (const listener of this.#listeners) listener(config);
  }

  #remember(): void {
    const { text, envFile } = this.#content;
    const digest = configDigest(text, this.path, { ...envFile.variables, ...this.#over.env });
    this.#digests.delete(digest);
    this.#digests.add(digest);
    const [oldest] = this.#digests;
    if (this.#digests.size > DIGESTS_MAX && oldest !== undefined) this.#digests.delete(oldest);
  }
}
