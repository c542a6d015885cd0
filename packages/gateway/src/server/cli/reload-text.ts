/** What `reload` prints to people. */
import type { ReloadAnswer } from '../../application/operator/reload-report.ts';

/** One line for what was done, and one for each server or group that it was done to. */
export function reloadText(answer: ReloadAnswer): string {
  const { file, identical, dry_run: isDryRun, added, removed, updated, restarted } = answer;
  if (identical) return `nothing has changed in ${file}`;
  const changes = [
    ...removed.map((id) => `- ${id}`),
    ...added.map((id) => `+ ${id}`),
    ...updated.map(
      (id) => `~ ${id}${restarted.includes(id) ? ` (${RESTARTS[isDryRun ? 1 : 0]})` : ''}`,
    ),
  ];
  const rest = `${unchangedText(answer)} unchanged`;
  const done = isDryRun
    ? `would reload ${file}: ${rest}`
    : `reloaded ${file} in ${Math.round(answer.duration_ms)} ms: ${rest}`;
  return [done, ...changes].join('\n');
}

function unchangedText({ unchanged, groups }: ReloadAnswer): string {
  const count = unchanged.filter((id) => groups.includes(id)).length;
  const servers = counted(unchanged.length - count, 'MCP server');
  return count === 0 ? servers : `${servers} and ${counted(count, 'group')}`;
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

const RESTARTS = ['restarts with its next call', 'would restart with its next call'] as const;
