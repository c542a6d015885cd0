/** The gateway inside a test's own process. */
import { HangarError, type Hangar, type HangarConfig } from 'mcp-hangar';
import { upstream } from './upstream.ts';

/** One server, "up". @param args options of the misbehaving fixture */
export const up = (args: readonly string[] = [], keys: object = {}): HangarConfig => ({
  mcp_servers: { up: { ...upstream(args), ...keys } },
});

/** The first text of a tool's result. */
export const textOf = ({ content }: { readonly content?: readonly object[] }): string =>
  String((content?.[0] as { text?: unknown } | undefined)?.text);

export const pidOf = async (hangar: Hangar): Promise<number> =>
  Number(textOf(await hangar.invoke('up', 'pid')));

/** The error with which a promise is rejected. */
export async function errorOf(promise: Promise<unknown>): Promise<HangarError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HangarError) return error;
  throw new Error(`no HangarError: ${String(error)}`);
}
