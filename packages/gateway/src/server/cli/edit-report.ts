/** What commands that change the configuration file say, to programs and to people. */
import { z } from 'zod';

/** Printed by `--json`: members are added, never renamed or removed. */
export const EditReport = z.object({
  file: z.string(),
  /** The file was made. */
  created: z.boolean(),
  dry_run: z.boolean(),
  /** Whether the file is another one now; with `dry_run`, would be. */
  changed: z.boolean(),
  servers: z.array(
    z.object({
      id: z.string(),
      action: z.enum(['added', 'replaced', 'removed', 'enabled', 'disabled', 'unchanged']),
    }),
  ),
  /** As `diff -u` prints it, without secrets; empty where nothing changes. */
  diff: z.string(),
  notes: z.array(z.string()),
  /** The gateway that runs for the file, and takes the change over when it next looks at it. */
  gateway: z.object({ pid: z.number() }).nullable(),
});
export type EditReport = z.infer<typeof EditReport>;
export type EditAction = EditReport['servers'][number]['action'];

const PREPOSITIONS: Readonly<Record<EditAction, string>> = {
  added: 'to',
  replaced: 'in',
  removed: 'from',
  enabled: 'in',
  disabled: 'in',
  unchanged: 'in',
};

/**
 * One line for each thing that was done.
 *
 * @param state that those are in which did not change
 */
export function editText({ file, servers }: EditReport, state: string): string {
  const actions = [...new Set(servers.map(({ action }) => action))];
  return actions
    .map((action) => {
      const ids = servers.filter((server) => server.action === action).map(({ id }) => `"${id}"`);
      const noun = `MCP server${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`;
      if (action === 'unchanged')
        return `${noun} ${ids.length === 1 ? 'is' : 'are'} ${state} already in ${file}`;
      return `${action.charAt(0).toUpperCase()}${action.slice(1)} ${noun} ${PREPOSITIONS[action]} ${file}`;
    })
    .join('\n');
}

/** What becomes of a gateway whose file has changed. @param isWatched by a gateway that has read it so */
export function gatewayText(gateway: { readonly pid: number } | null, isWatched: boolean): string {
  if (gateway === null) return 'no gateway runs for it now; the next one that starts reads it';
  const which = `the gateway that runs (process ${gateway.pid})`;
  return isWatched
    ? `${which} takes it over by itself within seconds; "mcp-hangar reload" does so at once, and says what changes`
    : `${which} keeps what it has read (config_reload.enabled): apply it with "mcp-hangar reload"`;
}
