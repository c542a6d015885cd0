/** The children of a server that are not lent: one for each seat, running or starting. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Child } from './child.ts';
import type { LeasedSeat } from './lease-pool.ts';

export type Slot = { readonly start: Promise<Child>; readonly child: Child | undefined };
export type FixedSeat = Exclude<Seat, LeasedSeat>;

export const slotKey = (seat: Seat): string =>
  seat.kind === 'shared' ? `shared ${seat.era}` : `${seat.kind} ${seat.era} ${seat.key}`;

export class Slots {
  readonly #slots = new Map<string, Slot>();

  at(key: string): Slot | undefined {
    return this.#slots.get(key);
  }

  fill(key: string, slot: Slot): void {
    this.#slots.set(key, slot);
  }

  /** Answers what was there. */
  clear(key: string): Slot | undefined {
    const slot = this.#slots.get(key);
    this.#slots.delete(key);
    return slot;
  }

  forget(child: Child): void {
    for (const [key, slot] of this.#slots) if (slot.child === child) this.#slots.delete(key);
  }

  /** Of one owner each. */
  get ownCount(): number {
    return [...this.#slots.keys()].filter((key) => key.startsWith('own ')).length;
  }

  /** Those of the modern requests of a principal. */
  ofPrincipal(principal: string): readonly Slot[] {
    return [...this.#slots].flatMap(([key, slot]) => {
      const [kind, , owner] = key.split(' ', 3);
      return kind === 'own' && owner === `modern:${principal}` ? [slot] : [];
    });
  }

  /** Children that run and that everybody shares. */
  get shared(): readonly Child[] {
    return [...this.#slots.values()].flatMap(({ child }) =>
      child?.seat.kind === 'shared' ? [child] : [],
    );
  }
}

/**
 * A child that belongs to a session holds its state: none is ended to make room for another.
 * @param own children that belong to a session each
 * @throws Fault GATEWAY_BUSY
 */
export function checkRoom({ id, sessionChildrenMax }: McpServerSpec, own: number): void {
  if (own < sessionChildrenMax) return;
  const detail = `MCP server "${id}" has a child for each of ${own} sessions (session_children_max)`;
  throw new Fault('GATEWAY_BUSY', detail);
}
