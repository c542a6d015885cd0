import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../protocol/json-rpc.ts';
import type { Era } from '../protocol/revisions.ts';
import { catalogKey, seatFor, type Asker, type Seat } from './sharing.ts';
import type { Sharing } from './spec.ts';

type Caps = 'none' | 'plain' | 'asking';
type Logs = 'quiet' | 'logs';
/** What a child is told beside who gets it: nothing, or exactly what its client declares. */
type Outcome = `${Seat['kind']}, told ${'nothing' | 'all'}`;
type Cells = Record<Caps, Record<Logs, Outcome>>;

const DECLARED: Readonly<Record<Caps, JsonObject>> = {
  none: {},
  plain: { experimental: { x: {} } },
  asking: { roots: {}, sampling: { tools: {} } },
};

const all = (outcome: Outcome): Cells => ({
  none: { quiet: outcome, logs: outcome },
  plain: { quiet: outcome, logs: outcome },
  asking: { quiet: outcome, logs: outcome },
});
const SHARED = all('shared, told nothing');
const OWN = all('own, told nothing');
const OWN_TOLD = all('own, told all');

/** Every sharing × era of the client × era of the child × what the client declares × whether it wants logs. */
const TABLE: Record<Sharing, Record<Era, Record<Era, Cells>>> = {
  auto: {
    legacy: {
      legacy: {
        none: { quiet: 'shared, told nothing', logs: 'leased, told all' },
        plain: { quiet: 'shared, told nothing', logs: 'leased, told all' },
        asking: { quiet: 'leased, told all', logs: 'leased, told all' },
      },
      modern: {
        none: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
        plain: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
        asking: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
      },
    },
    modern: {
      legacy: {
        none: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
        plain: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
        asking: { quiet: 'leased, told all', logs: 'leased, told all' },
      },
      modern: {
        none: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
        plain: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
        asking: { quiet: 'shared, told nothing', logs: 'leased, told nothing' },
      },
    },
  },
  shared: {
    legacy: { legacy: SHARED, modern: SHARED },
    modern: { legacy: SHARED, modern: SHARED },
  },
  session: {
    legacy: { legacy: OWN_TOLD, modern: OWN },
    modern: { legacy: { ...OWN, asking: OWN_TOLD.asking }, modern: OWN },
  },
};

const asker = (era: Era, caps: Caps, logs: Logs, owner = 'o1'): Asker => ({
  era,
  owner,
  capabilities: DECLARED[caps],
  wantsLogs: logs === 'logs',
  isOneClient: true,
});

const typed = <K extends string>(record: Record<K, unknown>): readonly K[] =>
  Object.keys(record) as K[];

describe.each(typed(TABLE))('sharing: %s', (sharing) => {
  describe.each(typed(TABLE[sharing]))('a %s client', (clientEra) => {
    const row = TABLE[sharing][clientEra];
    test.each(typed(row))('gets of a %s server the child that the table says', (childEra) => {
      for (const caps of typed(row[childEra])) {
        for (const logs of typed(row[childEra][caps])) {
          const seat = seatFor(sharing, asker(clientEra, caps, logs), childEra);
          const told = seat.kind === 'shared' ? {} : seat.capabilities;
          const [kind, what] = row[childEra][caps][logs].split(', told ');
          expect({ caps, logs, kind: seat.kind, told, era: seat.era }).toEqual({
            caps,
            logs,
            kind,
            told: what === 'all' ? DECLARED[caps] : {},
            era: childEra,
          });
        }
      }
    });
  });
});

describe('seats', () => {
  test('that are leased are the same for clients that declare the same in another order', () => {
    const one = {
      ...asker('legacy', 'asking', 'quiet'),
      capabilities: { roots: {}, sampling: {} },
    };
    const two = { ...one, owner: 'o2', capabilities: { sampling: {}, roots: {} } };
    expect(seatFor('auto', one, 'legacy')).toEqual(seatFor('auto', two, 'legacy'));
  });

  test('of their own differ by owner and by the era of the client', () => {
    const keys = [
      asker('legacy', 'none', 'quiet', 'x'),
      asker('legacy', 'none', 'quiet', 'y'),
      asker('modern', 'none', 'quiet', 'x'),
    ].map((who) => {
      const seat = seatFor('session', who, 'legacy');
      return seat.kind === 'own' ? seat.key : '';
    });
    expect(new Set(keys).size).toBe(3);
  });

  test('have one catalogue for each era and each set of capabilities that was told', () => {
    const key = (sharing: Sharing, client: Era, caps: Caps, child: Era): string =>
      catalogKey(seatFor(sharing, asker(client, caps, 'quiet'), child));
    expect(key('auto', 'legacy', 'none', 'legacy')).toBe('legacy {}');
    expect(key('session', 'legacy', 'none', 'legacy')).toBe('legacy {}');
    expect(key('auto', 'modern', 'none', 'legacy')).toBe('legacy {}');
    expect(key('auto', 'modern', 'asking', 'legacy')).toBe(
      key('auto', 'legacy', 'asking', 'legacy'),
    );
    expect(key('auto', 'modern', 'asking', 'modern')).toBe('modern {}');
    expect(key('auto', 'legacy', 'asking', 'legacy')).toBe(
      'legacy {"roots":{},"sampling":{"tools":{}}}',
    );
    expect(key('shared', 'legacy', 'asking', 'legacy')).toBe('legacy {}');
  });
});
