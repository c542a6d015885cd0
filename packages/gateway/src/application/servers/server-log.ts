/** What the gateway's log says of one server and its children. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import type { Logger } from '../ports.ts';
import type { Child } from './child.ts';

export class ServerLog {
  readonly #mcpServerId: string;
  readonly #logger: Logger;

  constructor(mcpServerId: string, logger: Logger) {
    this.#mcpServerId = mcpServerId;
    this.#logger = logger;
  }

  started(child: Child, durationMs: number): void {
    const { era } = child.seat;
    this.#logger.info({ ...this.#named(child), era, durationMs }, 'mcp_server_started');
  }

  startFailed(reason: string, retryInMs: number): void {
    const fields = { mcpServerId: this.#mcpServerId, reason, retryInMs };
    this.#logger.warn(fields, 'mcp_server_start_failed');
  }

  stopped(child: Child, reason: string): void {
    this.#logger.info({ ...this.#named(child), reason }, 'mcp_server_stopped');
  }

  ended(child: Child, detail: string): void {
    this.#logger.warn({ ...this.#named(child), detail }, 'mcp_server_ended');
  }

  probeFailed(child: Child, reason: string): void {
    this.#logger.warn({ ...this.#named(child), reason }, 'health_check_failed');
  }

  unattributed(child: Child, method: string): void {
    this.#logger.debug({ ...this.#named(child), method }, 'message_without_addressee');
  }

  defect(child: Child, error: unknown): void {
    this.#logger.error({ ...this.#named(child), error: stackOf(error) }, 'defect_in_message');
  }

  #named(child: Child): { readonly mcpServerId: string; readonly pid: number | undefined } {
    return { mcpServerId: this.#mcpServerId, pid: child.connection.pid };
  }
}
