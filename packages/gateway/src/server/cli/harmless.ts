/** Texts of servers, clients and files, so that they cannot steer the terminal that shows them. */

/** Neither escape sequences nor line ends nor a change of direction. */
export const harmless = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/gu, '\uFFFD');

/** The same for a text of several lines: tabs and line ends stay. */
export const harmlessLines = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\t\n]|[\p{Bidi_C}\p{Zl}\p{Zp}]/gu, '\uFFFD');
