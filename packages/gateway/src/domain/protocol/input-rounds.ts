/** Rounds of questions in the modern era: `input_required`, and the retry that brings the answers. SEP-2322. */
import { capabilityFor } from './capabilities.ts';
import { isObject, RPC, type JsonObject, type RpcError } from './json-rpc.ts';
import { META } from './revisions.ts';

/** Requests that may be answered with questions. */
const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

export const mayAsk = (method: string): boolean => MAY_ASK.has(method);

/** Params without what the rounds have added: as they were in the first request. */
export const withoutRound = ({
  inputResponses: _responses,
  requestState: _state,
  ...params
}: JsonObject): JsonObject => params;

/** Times that a client is asked during one call. */
export const ROUNDS_MAX = 10;
/** A person may be behind an answer. */
export const LEG_MS_MAX = 600_000;
/** Questions of one round. */
export const QUESTIONS_MAX = 64;

export interface InputRequest {
  readonly method: string;
  readonly params: JsonObject;
}

export const inputRequired = (
  questions: ReadonlyMap<string, InputRequest>,
  requestState: string,
  serverInfo: JsonObject,
): JsonObject => ({
  resultType: 'input_required',
  inputRequests: Object.fromEntries(
    [...questions].map(([key, { method, params }]) => [key, { method, params }]),
  ),
  requestState,
  _meta: { [META.serverInfo]: serverInfo },
});

/** A legacy question as the modern era puts it: without what ties it to a session. */
export function questionParams({ _meta: meta, task: _task, ...rest }: JsonObject): JsonObject {
  if (!isObject(meta)) return rest;
  const { progressToken: _token, ...kept } = meta;
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept };
}

/** What a client must declare to be asked `question`; undefined where it declares it. */
export function missingFor(question: InputRequest, declared: JsonObject): JsonObject | undefined {
  const capability = capabilityFor(question.method);
  if (capability === undefined) return {};
  const wanted = { [capability]: featureOf(question) };
  return declaresAll(wanted, declared) ? undefined : wanted;
}

/** Whether what a client declares has every feature of every capability that is required. */
export const declaresAll = (required: JsonObject, declared: JsonObject): boolean =>
  Object.entries(required).every(([capability, features]) => {
    const own = declared[capability];
    if (!isObject(own) || !isObject(features)) return false;
    return Object.keys(features).every(
      // Elicitation that is declared without modes means forms.
      (feature) => isObject(own[feature]) || (feature === 'form' && !isObject(own['url'])),
    );
  });

/** What of its capability a question needs. */
function featureOf({ method, params }: InputRequest): JsonObject {
  if (method === 'elicitation/create') return params['mode'] === 'url' ? { url: {} } : { form: {} };
  const usesTools = params['tools'] !== undefined || params['toolChoice'] !== undefined;
  return method === 'sampling/createMessage' && usesTools ? { tools: {} } : {};
}

/** Tells a modern client that the server wants something of it that it has not declared. */
export const missingCapability = (requiredCapabilities: JsonObject): RpcError => ({
  code: RPC.missingCapability,
  message: `Missing capability: the server needs a client with ${Object.keys(requiredCapabilities).join(', ')}`,
  data: { requiredCapabilities },
});

const ACTIONS: ReadonlySet<unknown> = new Set(['accept', 'decline', 'cancel']);

/** What is wrong with a client's answer; undefined where it can be given to the server. */
export function flawOf(
  { method }: Pick<InputRequest, 'method'>,
  response: unknown,
): string | undefined {
  if (!isObject(response)) return 'must be an object';
  switch (method) {
    case 'elicitation/create':
      return ACTIONS.has(response['action'])
        ? undefined
        : '"action" must be accept, decline or cancel';
    case 'roots/list':
      return Array.isArray(response['roots']) ? undefined : '"roots" must be an array';
    case 'sampling/createMessage':
      return typeof response['role'] === 'string' ? undefined : '"role" is missing';
    default:
      return undefined;
  }
}

/** The pages that a legacy server wants visited before it goes on (-32042), as questions by key. */
export function pagesWanted({ data }: RpcError): ReadonlyMap<string, InputRequest> {
  const elicitations = isObject(data) ? data['elicitations'] : undefined;
  const wanted = Array.isArray(elicitations) ? elicitations.filter(isObject) : [];
  return new Map(
    wanted.slice(0, QUESTIONS_MAX).map((params, index) => {
      const method = 'elicitation/create';
      return [`page-${index + 1}`, { method, params: { ...params, mode: 'url' } }] as const;
    }),
  );
}
