/** A text of a client's file in pieces: what stands there, and what is looked up when the server starts. */
import type { Variables } from './client-table.ts';

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | undefined }
  /** Of our file of secrets, so it is there or the configuration says that it is missing. */
  | { readonly kind: 'secret'; readonly name: string }
  /** VS Code asks its user for it. */
  | { readonly kind: 'input'; readonly id: string }
  /** Nothing that we could look up. */
  | { readonly kind: 'unknown'; readonly written: string };
export type ValueText = readonly Piece[];

export interface Surroundings {
  readonly home: string;
  /** The folder that the file belongs to; undefined for a file of the user. */
  readonly project: string | undefined;
  readonly separator: string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const BRACES = /\$\{([^{}]*)\}/g;
const DOLLAR = /\$\{([^{}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)/g;

export const textPiece = (text: string): Piece => ({ kind: 'text', text });

/** Cuts a text as its client would read it. */
export function readValue(text: string, variables: Variables, around: Surroundings): ValueText {
  if (variables === 'none') return [textPiece(text)];
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(variables === 'dollar' ? DOLLAR : BRACES)) {
    if (match.index > end) pieces.push(textPiece(text.slice(end, match.index)));
    const [written, inner, bare] = match;
    pieces.push(bare === undefined ? reference(written, inner ?? '', around) : variable(bare));
    end = match.index + written.length;
  }
  if (end < text.length || pieces.length === 0) pieces.push(textPiece(text.slice(end)));
  return pieces;
}

const variable = (name: string, fallback?: string): Piece => ({ kind: 'variable', name, fallback });

function reference(written: string, inner: string, around: Surroundings): Piece {
  const unknown: Piece = { kind: 'unknown', written };
  const { home, project, separator } = around;
  const [, prefix, rest = ''] = /^(env|input):(.*)$/s.exec(inner) ?? [];
  if (prefix === 'input') return { kind: 'input', id: rest };
  const [, name = '', fallback] = /^(.*?)(?::-(.*))?$/s.exec(prefix === 'env' ? rest : inner) ?? [];
  switch (prefix === 'env' ? '' : inner) {
    case 'userHome':
      return textPiece(home);
    case 'workspaceFolder':
    case 'workspaceRoot':
    case 'CLAUDE_PROJECT_DIR':
      return project === undefined ? unknown : textPiece(project);
    case 'workspaceFolderBasename':
      return project === undefined ? unknown : textPiece(project.replace(/^.*[\\/]/, ''));
    case 'pathSeparator':
    case '/':
      return textPiece(separator);
    default:
      return NAME.test(name) ? variable(name, fallback) : unknown;
  }
}

/** Where a text is used decides what an unset variable may become without making the whole configuration invalid. */
export type Place = 'command' | 'args' | 'env' | 'cwd' | 'url' | 'headers';

/** As our configuration writes it. A variable without a value must not keep the other servers from starting. */
export function printValue(pieces: ValueText, place: Place): string {
  return pieces
    .map((piece, index) => {
      switch (piece.kind) {
        case 'text':
          return piece.text.replaceAll('${', () => '$${');
        case 'secret':
          return `\${${piece.name}}`;
        case 'variable': {
          const { name, fallback = '' } = piece;
          return `\${${name}:-${fallback === '' ? unset(name, place, index) : fallback}}`;
        }
        case 'input':
        case 'unknown':
          return ''; // an entry that has one is not taken over
      }
    })
    .join('');
}

function unset(name: string, place: Place, index: number): string {
  const telling = `${name.toLowerCase().replaceAll('_', '-')}-is-not-set`;
  switch (place) {
    case 'env':
    case 'args':
      return '';
    case 'cwd':
      return '.';
    case 'command':
    case 'headers':
      return telling;
    case 'url':
      return index === 0 ? `http://${telling}.invalid` : telling;
  }
}
