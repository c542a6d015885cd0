const PREFIX = 'process:';

/** The stream of one instance of a process. */
export const processStream = (process: string, id: string): string => `${PREFIX}${process}:${id}`;

/** What every stream of the process begins with; of all processes where none is named. */
export const processStreams = (process?: string): string =>
  process === undefined ? PREFIX : `${PREFIX}${process}:`;
