/** The result of a tool call as a person reads it. */
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { harmlessLines } from './harmless.ts';

/** @param isTerminal what a server wrote must not steer it */
export function toolResultText(result: JsonObject, isTerminal: boolean): string {
  const content: readonly unknown[] = Array.isArray(result['content']) ? result['content'] : [];
  const blocks = content.flatMap((block) => (isObject(block) ? [blockText(block)] : []));
  const { structuredContent: structured } = result;
  const isSaid = structured === undefined || blocks.some((text) => isSame(text, structured));
  const parts = isSaid ? blocks : [...blocks, JSON.stringify(structured, undefined, 2)];
  const text = parts.join('\n');
  return isTerminal ? harmlessLines(text) : text;
}

function blockText(block: JsonObject): string {
  const { type, text, data, mimeType, uri, name } = block;
  switch (type) {
    case 'text':
      return typeof text === 'string' ? text : '';
    case 'image':
    case 'audio':
      return `[${words(mimeType ?? type, size(data))}]`;
    case 'resource_link':
      return `[resource ${words(name, uri, mimeType)}]`;
    case 'resource': {
      const { resource } = block;
      if (!isObject(resource)) return '[resource]';
      if (typeof resource['text'] === 'string') return resource['text'];
      const { uri: place, mimeType: kind, blob } = resource;
      return `[resource ${words(place, kind, size(blob))}]`;
    }
    default:
      return JSON.stringify(block, undefined, 2);
  }
}

const words = (...parts: readonly unknown[]): string =>
  parts.filter((part) => typeof part === 'string' && part !== '').join(', ');

/** Of what base64 stands for. */
function size(base64: unknown): string {
  if (typeof base64 !== 'string') return '';
  const bytes = Math.floor((base64.length * 3) / 4);
  return bytes < 1_000 ? `${bytes} B` : `${Math.round(bytes / 1_000)} kB`;
}

/** Whether a text says what is given as a value beside it: as JSON, or as the only member. */
function isSame(text: string, structured: unknown): boolean {
  const values = isObject(structured) ? Object.values(structured) : [];
  if (values.length === 1 && values[0] === text) return true;
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(structured);
  } catch {
    return false; // the text says something of its own
  }
}
