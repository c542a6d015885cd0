/** A tool call of an operator. Arguments and result cross as JSON text, so that every number stays as it is written. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { z } from 'zod';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { parseExactly, RpcRefusal } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import { resultOf } from '../calls/internal-call.ts';
import { faultCodeOf } from '../calls/reply.ts';
import type { InvokeInput } from '../commands/invoke-tool.ts';
import { textOf } from '../commands/invoke-tool-with-report.ts';
import { REGISTRY } from '../registry.ts';
import { runUseCase } from '../use-case.ts';
import { WORK_MS_MAX, type OperatorEntry } from './entry.ts';
import { refusalFault } from './refusal-fault.ts';

/** Has the server report its progress. */
const PARAMS = { _meta: { progressToken: 'operator' } };

export const toolCallEntry: OperatorEntry = {
  useCase: REGISTRY.invoke_tool,
  msMax: WORK_MS_MAX,
  async run({ arguments_text: text, ...input }, { deps, context }): Promise<JsonObject> {
    let made: Call | undefined;
    const carry = (call: Call): void => {
      made = call;
    };
    const about = `MCP server "${String(input['id'])}"`;
    try {
      const answer = await runUseCase(
        REGISTRY.invoke_tool,
        deps,
        // Whatever the input is: running an entry begins with its schema.
        { ...input, arguments: argumentsIn(text) } as z.input<ReturnType<typeof InvokeInput>>,
        { ...context, caller: { ...context.caller, params: PARAMS, carry } },
      );
      const result = resultOf(answer);
      if (result['isError'] === true) refuseAsking(about, made, textOf(result));
      return { result_text: JSON.stringify(result) };
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      throw faultOf(about, made, error);
    }
  },
};

/** @throws Fault INPUT_INVALID */
function argumentsIn(text: unknown): unknown {
  try {
    return parseExactly(typeof text === 'string' ? text : '{}');
  } catch {
    throw new Fault('INPUT_INVALID', 'the arguments are no JSON', { data: { field: 'arguments' } });
  }
}

/** @throws Fault INPUT_NOT_SUPPORTED where the server has asked something during the call, which then failed */
function refuseAsking(about: string, call: Call | undefined, failure: string): void {
  const inVain = call?.askedInVain ?? call?.child?.askedInVain;
  if (inVain === undefined) return;
  const what = Object.keys(inVain).join(', ');
  const fix = 'make the call from an AI client that can be asked';
  const detail = `${about} wanted to ask something (${what}), and nobody can be asked for a command; the call failed: ${failure}`;
  throw new Fault('INPUT_NOT_SUPPORTED', detail, { data: { fix } });
}

function faultOf(about: string, call: Call | undefined, refusal: RpcRefusal): Fault {
  if (faultCodeOf(refusal.error) === undefined) refuseAsking(about, call, refusal.message);
  return refusalFault(about, refusal);
}
