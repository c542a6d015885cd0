/**
 * Events as they were stored by earlier versions of the gateway, in the form of today. A change that no default can
 * bridge gives its type one more upcaster; none is ever changed or removed.
 */
import type { StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { DomainEvent } from '../ports.ts';

type Data = DomainEvent['data'];

/** Pure. Lifts the data of one version to the next. */
export type Upcaster = (data: Data) => Data;

/** By type; the first one lifts version 1 to version 2. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>;

const UPCASTERS: Upcasters = {};

const chainOf = (type: string, upcasters: Upcasters): readonly Upcaster[] =>
  (Object.hasOwn(upcasters, type) ? upcasters[type] : undefined) ?? [];

/** Which version of a type this program writes. */
export const versionOf = (type: string, upcasters: Upcasters = UPCASTERS): number =>
  chainOf(type, upcasters).length + 1;

/** The event of today; undefined where it is of a later version, or says what no event of its version says. */
export function lifted(
  { type, schemaVersion, data }: Pick<StoredEvent, 'type' | 'schemaVersion' | 'data'>,
  upcasters: Upcasters = UPCASTERS,
): DomainEvent | undefined {
  if (schemaVersion < 1 || schemaVersion > versionOf(type, upcasters)) return undefined;
  const steps = chainOf(type, upcasters).slice(schemaVersion - 1);
  try {
    return { type, data: steps.reduce((lift, step) => step(lift), data) };
  } catch {
    return undefined; // one event that nobody can read must not stop a replay
  }
}
