/** Questions to a person at a terminal. Only loaded where there is one. */
import { cancel, confirm, intro, isCancel, multiselect, note, select } from '@clack/prompts';
import { entriesOf } from '../../application/setup/read-clients.ts';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { BundleName } from '../../domain/setup/bundles.ts';
import { ownEntries } from './plan-connection.ts';
import type { ImportPlan } from './plan-import.ts';
import type { Scene } from './scene.ts';

export class Cancelled extends Error {}

/** @throws Cancelled after Ctrl-C */
function answered<T>(answer: T): Exclude<T, symbol> {
  if (!isCancel(answer)) return answer as Exclude<T, symbol>; // the library's mark is its only symbol
  cancel('Nothing was written.');
  throw new Cancelled();
}

export const askYes = async (message: string, initialValue = true): Promise<boolean> =>
  answered(await confirm({ message, initialValue }));

/** Which of the found servers, by their place in the plan. */
export async function askServers(plan: ImportPlan): Promise<ReadonlySet<number>> {
  const options = plan.servers.flatMap(({ client, name, outcome }, index) =>
    outcome === 'imported' ? [{ value: index, label: `${name}  (${client})` }] : [],
  );
  if (options.length === 0) return new Set();
  const message = 'Which MCP servers shall the gateway have?';
  const initialValues = options.map(({ value }) => value);
  const chosen = await multiselect({ message, options, initialValues, required: false });
  return new Set(answered(chosen));
}

/** Whether to write, or to see the diff first. */
export async function askToWrite(message: string): Promise<'write' | 'diff' | 'leave'> {
  return answered(
    await select<'write' | 'diff' | 'leave'>({
      message,
      options: [
        { value: 'write', label: 'yes' },
        { value: 'diff', label: 'show the whole diff' },
        { value: 'leave', label: 'no' },
      ],
    }),
  );
}

/** Which clients shall use the gateway. */
export async function askClients(scene: Scene): Promise<readonly ClientFile[]> {
  const candidates = scene.files.filter(
    ({ scope, client, content }) =>
      scope === 'user' && content.kind !== 'broken' && scene.installed.has(client.id),
  );
  if (candidates.length === 0) return [];
  const options = candidates.map((file) => ({
    value: file.client.id,
    label: file.client.title,
    hint: ownEntries(file, scene.config.url).length > 0 ? 'connected' : file.path,
  }));
  const message = 'Which clients shall use it?';
  const initialValues = options.map(({ value }) => value);
  const chosen = answered(await multiselect({ message, options, initialValues, required: false }));
  return candidates.filter(({ client }) => chosen.includes(client.id));
}

export async function askBundle(): Promise<BundleName> {
  return answered(
    await select<BundleName>({
      message: 'No MCP servers were found. Begin with some?',
      options: [
        { value: 'starter', label: 'starter', hint: 'files of one folder, web pages, memory' },
        { value: 'developer', label: 'developer', hint: 'these and git' },
        { value: 'none', label: 'none', hint: 'add your own: mcp-hangar add NAME -- COMMAND' },
      ],
    }),
  );
}

/** What was found, before anything is asked. */
export function showScene({ runtimes, files, installed }: Scene): void {
  intro('MCP Hangar');
  const here = runtimes.filter(({ path }) => path !== undefined);
  const lines = [
    `runs servers with  ${here.map(({ name, version }) => `${name} ${version ?? ''}`.trim()).join(', ')}`,
    ...files.flatMap((file) => {
      const { client, content, scope, path } = file;
      if (content.kind === 'broken')
        return [`${client.title}: ${path} is left alone: ${content.reason}`];
      if (!installed.has(client.id) || content.kind === 'absent') return [];
      const count = entriesOf(file).length;
      const where = scope === 'project' ? ' in this folder' : '';
      return [`${client.title}${where}: ${count} MCP server${count === 1 ? '' : 's'}`];
    }),
  ];
  note(lines.join('\n'), 'Found');
}
