/** Facts that a process remembers as handled: more than can come again after a restart. */
const HANDLED_MAX = 32;

/** @param factId null where it was no fact that something was decided on */
export const withFact = (handled: readonly string[], factId: string | null): readonly string[] =>
  factId === null ? handled : [...handled, factId].slice(-HANDLED_MAX);
