/** What a connection tells before the child that it will be exists: its era is known only after the handshake. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { ConnectionObserver, UpstreamCall, UpstreamConnection } from '../ports.ts';
import { Child, type ChildEvents, type ServerNotification, type ServerRequest } from './child.ts';

export class StartingChild implements ConnectionObserver {
  readonly #seat: Seat;
  readonly #events: ChildEvents;
  #child: Child | undefined;
  #end: string | undefined;

  constructor(seat: Seat, events: ChildEvents) {
    this.#seat = seat;
    this.#events = events;
  }

  /** The child, in the seat of the era that its server speaks. */
  ready(connection: UpstreamConnection): Child {
    this.#child = new Child({ ...this.#seat, era: connection.era }, this.#events);
    this.#child.connected(connection);
    return this.#child;
  }

  /** Set where the server ended between its handshake and now. */
  endedEarly(mcpServerId: string): Fault | undefined {
    if (this.#end === undefined) return undefined;
    const detail = `Cannot start MCP server "${mcpServerId}": it ended as soon as it was ready (${this.#end})`;
    return new Fault('MCP_SERVER_START_FAILED', detail, { data: { mcpServerId } });
  }

  request(message: ServerRequest, during?: UpstreamCall): void {
    this.#child?.request(message, during);
  }

  notification(message: ServerNotification, during?: UpstreamCall): void {
    this.#child?.notification(message, during);
  }

  ended(detail: string): void {
    if (this.#child === undefined) this.#end = detail;
    else this.#child.ended(detail);
  }
}
