/**
 * Processes that came of one check, wherever they went: they inherit a variable that only they have. Linux only;
 * elsewhere there are none to be seen.
 */
import { readdir, readFile } from 'node:fs/promises';

export const MARK = 'MCP_HANGAR_CHECK';

export interface MarkedProcess {
  readonly pid: number;
  readonly name: string;
}

/** Those that run with the mark. Never rejects. */
async function markedProcesses(mark: string): Promise<readonly MarkedProcess[]> {
  if (process.platform !== 'linux') return [];
  const wanted = `${MARK}=${mark}`;
  const found: MarkedProcess[] = [];
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const environment = await textOf(`/proc/${pid}/environ`); // of one that has ended it is empty
    if (!environment.split('\0').includes(wanted)) continue;
    found.push({ pid: Number(pid), name: (await textOf(`/proc/${pid}/comm`)).trim() });
  }
  return found;
}

/** Ends those that are left. Answers who they were. */
export async function endMarked(mark: string): Promise<readonly MarkedProcess[]> {
  const left = await markedProcesses(mark);
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
  return left;
}

const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
