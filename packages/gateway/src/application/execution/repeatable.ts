import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';

/** Whether a tool says of itself that calling it twice does no more than calling it once. */
export function isRepeatable(
  { tools }: { readonly tools: readonly JsonObject[] },
  name: string | undefined,
): boolean {
  const annotations = tools.find((tool) => tool['name'] === name)?.['annotations'];
  if (!isObject(annotations)) return false;
  return annotations['idempotentHint'] === true || annotations['readOnlyHint'] === true;
}
