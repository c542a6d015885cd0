// The page of configuration keys, each with the test that sees it at work: the schema, and `test/config-keys.ts`.
import { configDocument } from '../packages/gateway/src/bootstrap/config/schema.ts';
import {
  type Accepts,
  childAccepts,
  factsOf,
  knownKeys,
  unwrap,
} from '../packages/gateway/src/bootstrap/config/schema-walk.ts';
import { isServerMap } from '../packages/gateway/src/bootstrap/config/server-maps.ts';
import { OBSERVED } from '../test/config-keys.ts';

const SERVER = 'mcp_servers.NAME';
const MEMBER = `${SERVER}.members[]`;

/** A test, and the keys whose effect it sees. */
interface Observation {
  readonly file: string;
  readonly title: string;
  readonly keys: readonly string[];
}

export const OBSERVATIONS: readonly Observation[] = Object.entries(OBSERVED).flatMap(
  ([file, tests]) => Object.entries(tests).map(([title, keys]) => ({ file, title, keys })),
);

/**
 * Every key that is accepted and active, without those that only hold others. `NAME` stands for a name that the user
 * gives, `[]` for any item. A member of a group has the keys of a server too; they are those of the server.
 */
export function activeKeys(): readonly string[] {
  return [...knownKeys(unwrap(configDocument()))]
    .filter(([, schema]) => factsOf(schema).inactive === undefined)
    .flatMap(([key, schema]) =>
      // The other name of the map is one key; what stands in it is the same.
      isServerMap(key) && !SERVER.startsWith(key) ? [key] : keysAt(key, unwrap(schema)),
    );
}

function keysAt(path: string, accepts: Accepts): readonly string[] {
  const named = [...knownKeys(accepts)]
    .filter(([key, schema]) => factsOf(schema).inactive === undefined && !isOfServer(path, key))
    .flatMap(([key, schema]) => keysAt(`${path}.${key}`, unwrap(schema)));
  const all = [
    ...named,
    ...keysIn(`${path}[]`, childAccepts(accepts, 0)),
    ...keysIn(`${path}.NAME`, childAccepts(accepts, 'NAME')),
  ];
  return all.length === 0 ? [path] : all;
}

/** Of items and entries that are mappings. */
const keysIn = (path: string, accepts: Accepts): readonly string[] =>
  knownKeys(accepts).size === 0 ? [] : keysAt(path, accepts);

const isOfServer = (path: string, key: string): boolean =>
  path === MEMBER && !['id', 'weight', 'priority'].includes(key);

function rowOf(key: string): string {
  const found = OBSERVATIONS.find(({ keys }) => keys.includes(key));
  const test =
    found === undefined ? '' : `[${found.title}](../../${found.file})`.replaceAll('|', '\\|');
  return `| \`${key}\` | ${test} |`;
}

/** @param head the line that says who writes the page */
export const configKeysPage = (head: string): string => `${head}

# Keys that are seen at work

Every key of the [configuration](configuration.md) that is accepted and active, and a test that sets it and sees what it
does: at the command as users start it, or at parts that are composed as it composes them. \`NAME\` stands for a name
that the user gives, \`[]\` for any item of a list. The list of tests is \`test/config-keys.ts\`; a key that is missing
there, a test that does not exist and one that does not set the key each fail \`scripts/config-keys.test.ts\`.

| Key | Test |
| --- | --- |
${activeKeys().map(rowOf).join('\n')}
`;
