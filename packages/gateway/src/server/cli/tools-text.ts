/** Tools as a person reads them, and what each costs a model that sees it. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { tableText, type Column } from './text-table.ts';

/** A model sees about one token for so many bytes of JSON. */
const BYTES_A_TOKEN = 4;

export interface ServerTools {
  readonly id: string;
  readonly tools: readonly JsonObject[];
}

const COLUMNS: readonly Column[] = [
  { title: 'TOOL', widthMin: 24 },
  { title: 'BYTES', leaveOut: 2 },
  { title: '~TOKENS', leaveOut: 1 },
  { title: 'DESCRIPTION', widthMin: 16, leaveOut: 3 },
];

export const bytesOf = (tool: JsonObject): number => Buffer.byteLength(JSON.stringify(tool));
const tokensOf = (bytes: number): number => Math.ceil(bytes / BYTES_A_TOKEN);

/** Names as `call` takes them. @param widthMax cells of the terminal; undefined where it is none */
export function toolsText(servers: readonly ServerTools[], widthMax: number | undefined): string {
  const all = servers.flatMap(({ id, tools }) => tools.map((tool) => ({ id, tool })));
  if (all.length === 0) return 'No tool is offered.';
  const rows = all.map(({ id, tool }) => {
    const bytes = bytesOf(tool);
    return [
      `${id}.${String(tool['name'])}`,
      String(bytes),
      String(tokensOf(bytes)),
      firstLine(tool['description'] ?? tool['title']),
    ];
  });
  const bytes = all.reduce((sum, { tool }) => sum + bytesOf(tool), 0);
  const total = `${all.length} tools, ${bytes} bytes, about ${tokensOf(bytes)} tokens`;
  return `${tableText(COLUMNS, rows, widthMax)}\n${total}`;
}

const firstLine = (text: unknown): string =>
  typeof text === 'string' ? (text.trim().split('\n', 1)[0] ?? '').trim() : '';
