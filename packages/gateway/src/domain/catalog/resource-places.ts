/** Resources that lie below others: a server may name a part of what somebody subscribed to. */

/** Whether a subscription to `wanted` is told of `uri`: of itself, and of what lies below it. */
export const covers = (wanted: string, uri: string): boolean =>
  uri === wanted || uri.startsWith(wanted.endsWith('/') ? wanted : `${wanted}/`);

/** The place below `publicUri` that `uri` has below `wanted`, which covers it. */
export const samePlace = (uri: string, wanted: string, publicUri: string): string =>
  publicUri + uri.slice(wanted.length);
