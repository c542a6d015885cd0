/** Whether a URI can have come from a URI template (RFC 6570, levels 1 to 3 as servers use them). */

const URI_CHARS_MAX = 8_192;
/** A template is the server's word: one that is longer than any real one matches nothing. */
const TEMPLATE_CHARS_MAX = 512;

/** How much reading one request may cause, over all templates that it is held against. Steps. */
export interface ReadingBudget {
  steps: number;
}
export const readingBudget = (): ReadingBudget => ({ steps: 1_000_000 });

/** One place of a template. A run may be empty; what follows an opener is left out together with it. */
type Step =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'run'; readonly stops: string }
  | { readonly kind: 'opener'; readonly opens: string };

/**
 * A test for URIs of a template: expressions match what their operator allows. All readings are followed at
 * once, so that the cost is at most template × URI: a pattern that backtracks can be made to run for hours.
 */
export function templateMatcher(
  template: string,
): (uri: string, budget?: ReadingBudget) => boolean {
  if (template.length > TEMPLATE_CHARS_MAX) return () => false;
  const head = template.split('{', 1)[0] ?? '';
  const steps = template
    .split(/(\{[^{}]*\})/)
    .flatMap((part) => (/^\{.*\}$/s.test(part) ? expression(part) : literal(part)));
  return (uri, budget = readingBudget()) =>
    uri.length <= URI_CHARS_MAX && uri.startsWith(head) && new Reading(steps, budget).reads(uri);
}

const literal = (text: string): readonly Step[] =>
  text.split('').map((char) => ({ kind: 'literal', char }));

function expression(part: string): readonly Step[] {
  const operator = part[1];
  if (operator === '+' || operator === '#') return [{ kind: 'run', stops: '' }];
  if (operator === '/')
    return [
      { kind: 'opener', opens: '/' },
      { kind: 'run', stops: '?#' },
    ];
  if (operator === '?' || operator === '&')
    return [
      { kind: 'opener', opens: '?&' },
      { kind: 'run', stops: '#' },
    ];
  return [{ kind: 'run', stops: '/?#' }];
}

/** The steps at which a template may stand after the characters that were read. */
class Reading {
  readonly #steps: readonly Step[];
  readonly #budget: ReadingBudget;
  /** For each step the number of characters after which it was last reached. */
  readonly #reachedAt: Int32Array;
  #reached: number[] = [];

  constructor(steps: readonly Step[], budget: ReadingBudget) {
    this.#steps = steps;
    this.#budget = budget;
    this.#reachedAt = new Int32Array(steps.length + 1).fill(-1);
  }

  reads(uri: string): boolean {
    this.#reach(0, 0);
    for (let at = 0; at < uri.length && this.#reached.length > 0; at += 1) {
      const before = this.#reached;
      this.#budget.steps -= before.length;
      if (this.#budget.steps < 0) return false;
      this.#reached = [];
      for (const index of before) this.#read(index, uri.charAt(at), at + 1);
    }
    return this.#reachedAt[this.#steps.length] === uri.length;
  }

  #read(index: number, char: string, after: number): void {
    const step = this.#steps[index];
    switch (step?.kind) {
      case 'literal':
        if (step.char === char) this.#reach(index + 1, after);
        return;
      case 'opener':
        if (step.opens.includes(char)) this.#reach(index + 1, after);
        return;
      case 'run':
        if (!step.stops.includes(char)) this.#reach(index, after);
        return;
      case undefined: // the end of the template: nothing may follow
    }
  }

  /** Notes a step and those behind it that may be left out. */
  #reach(from: number, after: number): void {
    let index = from;
    while (this.#reachedAt[index] !== after) {
      this.#reachedAt[index] = after;
      this.#reached.push(index);
      const kind = this.#steps[index]?.kind;
      if (kind === undefined || kind === 'literal') return;
      index += kind === 'opener' ? 2 : 1;
    }
  }
}
