/**
 * The same request at a second member of a group, sent where the first one has been silent for a while. Whichever answers
 * first answers the call; the other one is told to stop.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Clock, RawAnswer, Routing, UpstreamCall } from '../ports.ts';
import type { Child, Owner } from '../servers/child.ts';
import type { GatedWork } from '../servers/upstream.ts';
import type { BesideGate } from './call-gate.ts';
import { endingOf } from './call-ending.ts';
import type { Call } from './call.ts';
import type { Companion, Sent } from './companion.ts';

export interface HedgeOptions {
  readonly afterMs: number;
  readonly clock: Clock;
  /** A child of another member for the work, which has begun. @throws Fault (also as rejection) where there is none */
  readonly take: (work: GatedWork) => Child | Promise<Child>;
}

export class Hedge implements UpstreamCall, Companion, GatedWork {
  readonly #call: Call;
  readonly #options: HedgeOptions;
  readonly #timer: NodeJS.Timeout;
  #sent: Sent | undefined;
  #beganAtMs = 0;
  #isOver = false;
  /** What its member costs; undefined where nothing is limited. */
  readonly gate: BesideGate | undefined;
  askedInVain: JsonObject | undefined;

  constructor(call: Call, options: HedgeOptions) {
    this.#call = call;
    this.#options = options;
    this.gate = call.gate?.beside();
    this.#timer = setTimeout(() => {
      // A call that has no second chance goes on with its first.
      this.#begin().catch(() => this.gate?.over());
    }, options.afterMs);
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get settled(): boolean {
    return this.#isOver;
  }

  get isUnderWay(): boolean {
    return this.#sent !== undefined;
  }

  get parts(): readonly string[] {
    return this.#call.parts;
  }

  get routing(): Routing {
    return this.#call.routing;
  }

  get owner(): Owner {
    return this.#call.owner;
  }

  answered(answer: RawAnswer): void {
    const sent = this.#sent;
    this.#sent = undefined;
    this.gate?.over();
    if (sent !== undefined) this.#call.overtakenBy(sent, answer);
  }

  notified(): void {
    // The client hears of the progress of the first: two of them would go back and forth.
  }

  lost(fault: Fault): void {
    this.#leave(fault);
    if (this.#call.child === undefined) this.#call.fail(fault);
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const stopped = new Fault('GATEWAY_STOPPING', 'another member has answered');
    const sent = this.#sent;
    this.gate?.over();
    if (sent === undefined) return;
    sent.child.connection.cancel(sent.id, messageOf(stopped));
    this.#leave(stopped);
  }

  async #begin(): Promise<void> {
    const first = this.#call.child;
    if (first === undefined || first.asking > 0) return;
    const { clock, take } = this.#options;
    const child = await take(this);
    // What was cut for one child is sent to another only where that understands it the same way.
    const isAlike =
      child.seat.era === first.seat.era &&
      child.connection.mirrorsParams === first.connection.mirrorsParams;
    if (this.#isOver || !isAlike) {
      child.end(clock.nowMs(), false);
      this.gate?.over();
      return;
    }
    this.#beganAtMs = clock.nowMs();
    try {
      this.#sent = { child, id: child.connection.send(this) };
    } catch (error) {
      child.end(clock.nowMs(), false);
      throw error;
    }
  }

  #leave(fault: Fault): void {
    this.gate?.over();
    const sent = this.#sent;
    this.#sent = undefined;
    if (sent === undefined) return;
    const { outcome, detail = '' } = endingOf(fault);
    sent.child.spoiled = true;
    sent.child.report({ outcome, beganAtMs: this.#beganAtMs, reason: detail });
    sent.child.end(this.#options.clock.nowMs(), false);
  }
}
