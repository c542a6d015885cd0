/** Why a gateway tool has no result, as data and as a sentence that names the field and what to do. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { RpcRefusal } from '../calls/ask.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import type { Words } from './words.ts';

export interface Failure {
  /** Stable beginning, such as `unknown_provider: X`. */
  readonly error: string;
  /** The code of the catalogue, or `ToolInvocationError` for what the server itself refused. */
  readonly type: string;
  readonly details: JsonObject;
  /** `error`, and in brackets what to do about it. */
  readonly text: string;
}

export function describeFailure(error: unknown, words: Words): Failure {
  if (error instanceof Fault) return ofFault(error, words);
  if (error instanceof RpcRefusal) return ofRefusal(error);
  throw error; // a defect: it is not explained away
}

export const failureValue = ({ error, type, details }: Failure): JsonObject => ({
  error,
  error_type: type,
  details,
});

/** A failure as the result of a tool, which models read, unlike an error of the protocol. */
export function failureAnswer(error: unknown, words: Words): ToolAnswer {
  const failure = describeFailure(error, words);
  return {
    kind: 'value',
    result: {
      content: [{ type: 'text', text: failure.text }],
      structuredContent: failureValue(failure),
      isError: true,
    },
  };
}

function ofFault({ code, message, data = {} }: Fault, words: Words): Failure {
  const [name, field] = [String(data['name']), String(data['field'])];
  if (code === 'MCP_SERVER_UNKNOWN')
    return named(`unknown_${words.one}: ${name}`, code, words.one, data);
  if (code === 'MCP_SERVER_DISABLED') {
    const fix = 'set enabled: true in the configuration, or use another one';
    return named(`disabled_${words.one}: ${name}`, code, words.one, { fix });
  }
  if (code === 'TOOL_UNKNOWN') return named(`unknown_tool: ${name}`, code, 'tool', data);
  if (code === 'INPUT_INVALID')
    return named(`${invalidText(field, words)}: ${message}`, code, field, data);
  return { error: message, type: code, details: data, text: message };
}

const invalidText = (field: string, words: Words): string => {
  switch (field) {
    case words.one:
    case words.many:
      return `invalid_${words.one}_id`;
    case 'tool':
      return 'invalid_tool_name';
    case 'timeout':
      return 'invalid_timeout';
    default:
      return 'invalid_arguments';
  }
};

/** A failure that one argument is the cause of. */
function named(error: string, type: string, field: string, data: JsonObject): Failure {
  const { meant, known, fix } = data;
  const advice =
    typeof fix === 'string'
      ? fix
      : typeof meant === 'string'
        ? `did you mean "${meant}"?`
        : Array.isArray(known) && known.length > 0
          ? `known: ${known.join(', ')}`
          : 'there is none';
  const details = {
    field,
    fix: advice,
    ...(typeof meant === 'string' ? { did_you_mean: meant } : {}),
    ...(Array.isArray(known) ? { known } : {}),
  };
  // A message about an argument says what to do by itself.
  const text = type === 'INPUT_INVALID' ? error : `${error} (${field}: ${advice})`;
  return { error, type, details, text };
}

function ofRefusal({ error }: RpcRefusal): Failure {
  const data = isObject(error.data) ? error.data : {};
  const { code } = data;
  const type = typeof code === 'string' ? code : 'ToolInvocationError';
  const details =
    typeof code === 'string' ? data : { code: error.code, ...optionalData(error.data) };
  return { error: error.message, type, details, text: error.message };
}

const optionalData = (data: unknown): JsonObject => (data === undefined ? {} : { data });
