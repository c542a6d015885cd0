/** What the process ends with; of what was thrown, `exitCodeOf` of the catalogue says it. */
export const USER_ERROR = 1;
export const SYSTEM_ERROR = 2;
/** By Ctrl-C, as a shell names it: 128 and the number of the signal. */
export const INTERRUPTED = 130;
