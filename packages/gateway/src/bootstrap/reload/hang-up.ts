import { tellFailure } from '../outcome.ts';
import type { Serving } from '../serve-gateway.ts';
import type { Start } from '../start.ts';

/** SIGHUP means the gateway, in this process or in another one. Never rejects. */
export async function passOnHangUp({ flags }: Start, serving: Serving | undefined): Promise<void> {
  if (serving !== undefined) return serving.reloadNow?.();
  const { askGateway } = await import('../ask-gateway.ts');
  try {
    await askGateway(flags, { query: 'reload_configuration', input: {} });
  } catch (error) {
    tellFailure(error, false);
  }
}
