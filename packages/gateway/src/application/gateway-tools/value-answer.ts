import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';

/** A value as a tool's result: structured, and as JSON text for clients that read only that. */
export const valueAnswer = (value: JsonObject): ToolAnswer => ({
  kind: 'value',
  result: {
    content: [{ type: 'text', text: JSON.stringify(value) }],
    structuredContent: value,
  },
});
