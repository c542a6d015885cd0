/** `version`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { runningGateway } from '../../ask-gateway.ts';
import { print } from '../../say.ts';
import { VERSION } from '../../version.ts';
import { gatewayJson, type Asked, type GatewayJson } from './asked.ts';

/** Prints the versions of what is involved. Answers the exit code. */
export async function version({ flags }: Asked): Promise<number> {
  const gateway = await gatewayOf(flags);
  const { version: node, platform, arch } = process;
  const about = { version: VERSION, node: node.slice(1), platform, arch, gateway };
  if (flags.json === true) {
    await print(JSON.stringify(about));
    return 0;
  }
  const runs = gateway.running
    ? `${gateway.version ?? 'of another version'}, process ${gateway.pid}`
    : 'none runs for this configuration';
  const lines = [
    `mcp-hangar  ${VERSION}`,
    `node        ${about.node}`,
    `platform    ${platform} ${arch}`,
    `gateway     ${runs}`,
  ];
  await print(lines.join('\n'));
  return 0;
}

/** Whatever keeps us from looking at it, ours is known. */
async function gatewayOf(flags: Asked['flags']): Promise<GatewayJson> {
  try {
    await using line = await runningGateway(flags);
    return gatewayJson(line);
  } catch (error) {
    if (error instanceof Fault) return { running: false };
    throw error;
  }
}
