'use strict';
// The MCP server that the bench puts behind everything it measures: stdio, no dependency, as little work
// per call as can be had, so that what is between it and the client is what shows.
// usage: node upstream.cjs [--name NAME] [--tools N] [--era legacy|modern]
// A server of one era refuses the handshake of the other.
const argv = process.argv.slice(2);
const option = (name, fallback) => {
  const index = argv.indexOf(`--${name}`);
  return index < 0 ? fallback : argv[index + 1];
};
const NAME = option('name', 'upstream');
const TOOL_COUNT = Number(option('tools', '20'));
const IS_MODERN = option('era', 'legacy') === 'modern';

const tool = (name, description, properties) => ({
  name,
  description,
  inputSchema: { type: 'object', properties, required: Object.keys(properties).slice(0, 1) },
});
const TOOLS = [
  tool('echo', 'Returns the text that it was given.', { text: { type: 'string' } }),
  tool('generate', 'Returns a text of that length.', { length: { type: 'integer', minimum: 0 } }),
];
while (TOOLS.length < TOOL_COUNT) {
  const number = String(TOOLS.length).padStart(3, '0');
  TOOLS.push(
    tool(`search_${number}`, `Searches table ${number} of ${NAME}, newest records first.`, {
      query: { type: 'string', description: 'What to look for, in words' },
      limit: { type: 'integer', description: 'Most records to return', minimum: 1, maximum: 100 },
      state: { type: 'string', enum: ['open', 'closed', 'all'] },
      since: { type: 'string', format: 'date-time', description: 'Nothing older than this' },
    }),
  );
}

let generated = '';
function generate(length) {
  if (generated.length !== length) generated = 'x'.repeat(length);
  return generated;
}

const CAPABILITIES = { tools: {} };
const INFO = { name: NAME, version: '1.0.0' };
const KEPT = { ttlMs: 60_000, cacheScope: 'public' };

function legacyResultOf({ method, params = {} }) {
  if (method === 'initialize') {
    const { protocolVersion } = params;
    return { protocolVersion, capabilities: CAPABILITIES, serverInfo: INFO };
  }
  if (method === 'ping') return {};
  return plainResultOf(method, params);
}

function modernResultOf({ method, params = {} }) {
  const result =
    method === 'server/discover'
      ? { supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES, ...KEPT }
      : plainResultOf(method, params);
  return result && { resultType: 'complete', ...result };
}

function plainResultOf(method, params) {
  if (method === 'tools/list') return { tools: TOOLS, ...(IS_MODERN && KEPT) };
  if (method !== 'tools/call') return undefined;
  const { name, arguments: given = {} } = params;
  const text = name === 'echo' ? given.text : name === 'generate' ? generate(given.length) : name;
  return { content: [{ type: 'text', text }] };
}

function answer(line) {
  const message = JSON.parse(line);
  if (message.id === undefined || message.method === undefined) return;
  const result = IS_MODERN ? modernResultOf(message) : legacyResultOf(message);
  const error = { code: -32601, message: `Method not found: ${message.method}` };
  const body = result === undefined ? { error } : { result };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body })}\n`);
}

let rest = [];
process.stdin.on('data', (chunk) => {
  let start = 0;
  for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
    rest.push(chunk.subarray(start, end));
    const line = (rest.length === 1 ? rest[0] : Buffer.concat(rest)).toString();
    rest = [];
    start = end + 1;
    if (line !== '') answer(line);
  }
  if (start < chunk.length) rest.push(chunk.subarray(start));
});
process.stdin.on('end', () => process.exit(0));
