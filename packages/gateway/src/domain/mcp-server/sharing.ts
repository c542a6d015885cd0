/**
 * Which child of a server may answer a client. A legacy server on stdio cannot say for whom it asks something,
 * so a child that may ask has one possible owner at every moment; nothing is ever guessed.
 */
import {
  capabilityKey,
  declaresAsking,
  NO_CAPABILITIES,
  NO_CAPABILITIES_KEY,
} from '../protocol/capabilities.ts';
import type { JsonObject } from '../protocol/json-rpc.ts';
import type { Era } from '../protocol/revisions.ts';
import type { Sharing } from './spec.ts';

/** Who asks: one legacy session, or the principal behind a modern request. */
export interface Asker {
  readonly era: Era;
  /** The session of a legacy client; for a modern one its principal. */
  readonly owner: string;
  readonly capabilities: JsonObject;
  /** The client wants log messages, which carry no correlation on stdio. */
  readonly wantsLogs: boolean;
}

export type Seat =
  /** One child for all, told no capabilities. */
  | { readonly kind: 'shared'; readonly era: Era }
  /** A child told exactly `capabilities`, lent to one owner at a time. */
  | {
      readonly kind: 'leased';
      readonly era: Era;
      readonly key: string;
      readonly capabilities: JsonObject;
    }
  /** A child of this owner's, for the owner's life. */
  | {
      readonly kind: 'own';
      readonly era: Era;
      readonly key: string;
      readonly capabilities: JsonObject;
    };

/** The child that `asker` gets on a server whose child speaks `era`. */
export function seatFor(sharing: Sharing, asker: Asker, era: Era): Seat {
  const sameEra = asker.era === era;
  const capabilities = sameEra && era === 'legacy' ? asker.capabilities : NO_CAPABILITIES;
  if (sharing === 'session') {
    return { kind: 'own', era, key: `${asker.era}:${asker.owner}`, capabilities };
  }
  if (sharing === 'shared' || !sameEra) return { kind: 'shared', era };
  const leased =
    era === 'modern' ? asker.wantsLogs : asker.wantsLogs || declaresAsking(capabilities);
  return leased
    ? { kind: 'leased', era, key: capabilityKey(capabilities), capabilities }
    : { kind: 'shared', era };
}

/** The key of the catalogue that a seat's child lists: its era and what it was told. */
export const catalogKey = (seat: Seat): string =>
  `${seat.era} ${seat.kind === 'shared' ? NO_CAPABILITIES_KEY : capabilityKey(seat.capabilities)}`;
