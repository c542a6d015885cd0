/**
 * Which child of a server may answer a client. A legacy server on stdio cannot say for whom it asks something,
 * so a child that may ask has one possible owner at every moment; nothing is ever guessed.
 */
import {
  capabilitiesForLegacy,
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
  /** The owner is one client, not a principal behind which there may be many. */
  readonly isOneClient: boolean;
}

/**
 * For how long a leased child is lent: for the life of a session; for one call at a time, the next being of the same
 * client; or for one call at a time of any client of one principal.
 */
export type Lending = 'session' | 'call-of-client' | 'call';

export type Seat =
  /** One child for all, told no capabilities. */
  | { readonly kind: 'shared'; readonly era: Era }
  /** A child told exactly `capabilities`, lent to one owner at a time. */
  | {
      readonly kind: 'leased';
      readonly era: Era;
      readonly key: string;
      readonly capabilities: JsonObject;
      readonly lending: Lending;
    }
  /** A child of this owner's, for the owner's life. */
  | {
      readonly kind: 'own';
      readonly era: Era;
      readonly key: string;
      readonly capabilities: JsonObject;
      /** The owner's end is seen. A principal behind which there may be many has none: its child ends when it rests. */
      readonly isOneClients: boolean;
    };

/** The child that `asker` gets on a server whose child speaks `era`. */
export function seatFor(sharing: Sharing, asker: Asker, era: Era): Seat {
  const capabilities = toldTo(era, asker);
  if (sharing === 'session') {
    const isOneClients = asker.isOneClient;
    return { kind: 'own', era, key: ownKey(asker, capabilities), capabilities, isOneClients };
  }
  const leased = asker.wantsLogs || declaresAsking(capabilities);
  if (sharing === 'shared' || !leased) return { kind: 'shared', era };
  const key = capabilityKey(capabilities);
  if (era === 'modern') return { kind: 'leased', era, key, capabilities, lending: 'call' };
  if (asker.era === 'legacy') return { kind: 'leased', era, key, capabilities, lending: 'session' };
  // What a legacy child was asked or told for one principal stays with that principal.
  const lending = asker.isOneClient ? 'call-of-client' : 'call';
  const logs = asker.wantsLogs ? 'logs ' : '';
  return { kind: 'leased', era, key: `${asker.owner} ${logs}${key}`, capabilities, lending };
}

/** What a child is told that its clients can be asked for. A modern one is told with every request. */
function toldTo(era: Era, { era: askers, capabilities }: Asker): JsonObject {
  if (era === 'modern') return NO_CAPABILITIES;
  return askers === 'legacy' ? capabilities : capabilitiesForLegacy(capabilities);
}

/** A principal may declare other capabilities with every request; a legacy child is `told` them once. */
function ownKey({ era, owner }: Asker, told: JsonObject): string {
  const isTold = era === 'modern' && Object.keys(told).length > 0;
  return `${era}:${owner}${isTold ? ` ${capabilityKey(told)}` : ''}`;
}

/** The key of the catalogue that a seat's child lists: its era and what it was told. */
export const catalogKey = (seat: Seat): string =>
  `${seat.era} ${seat.kind === 'shared' ? NO_CAPABILITIES_KEY : capabilityKey(seat.capabilities)}`;
