/** `npm run conformance`: the official suite through the built gateway, both revisions, with every failed check. */
import { startGateway } from '../support/gateway.ts';
import { conformanceServer } from '../support/upstream.ts';
import { REVISIONS, runSuite } from './suite.ts';

await using gateway = await startGateway({ mcp_servers: { fixture: conformanceServer() } });
for (const revision of REVISIONS) {
  const url = gateway.url('fixture').replace('127.0.0.1', 'localhost');
  const { exitCode, passed, failed, scenarios } = await runSuite(url, revision);
  console.log(`${revision}: ${passed} passed, ${failed} failed, exit code ${exitCode}`);
  for (const { name, isScored, checks } of scenarios) {
    for (const { id, errorMessage } of checks.filter(({ status }) => status === 'FAILURE'))
      console.log(`  ${name}${isScored ? '' : ' (not scored)'} ${id}: ${errorMessage ?? ''}`);
  }
  if (exitCode !== 0) process.exitCode = 1;
}
