/** What can be changed in the text of a configuration, and what every way of writing it has in common. */
import type { YAMLMap } from 'yaml';

/** Plain JSON. */
export type PlainServer = Readonly<Record<string, unknown>>;

export type ConfigEdit =
  /** Puts a server in, in the place of the one that has the id already. */
  | { readonly kind: 'set'; readonly id: string; readonly server: PlainServer }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'enable'; readonly id: string; readonly enabled: boolean };

/** Puts `text` in the place of what is from `start` to before `end`. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** How the lines of a file are written; what is added is written the same way. */
export interface Layout {
  readonly eol: string;
  /** Of one level of indentation. */
  readonly step: string;
  readonly isSingleQuoted: boolean;
  /** The whole file is JSON, or at least one flow mapping. */
  readonly isJson: boolean;
}

/** A mapping in a text that is to be changed. */
export interface Target {
  readonly text: string;
  readonly layout: Layout;
  readonly map: YAMLMap;
}

/** From the end of the text on, so that places stay what they are. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  return splices
    .toSorted((left, right) => right.start - left.start)
    .reduce(
      (done, { start, end, text: put }) => done.slice(0, start) + put + done.slice(end),
      text,
    );
}

export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Behind the line end, or the end of the text. */
export function nextLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** What stands before a place in its line, where that is white space only. */
export function indentAt(text: string, at: number): string | undefined {
  const before = text.slice(lineStart(text, at), at);
  return /^[ \t]*$/.test(before) ? before : undefined;
}
