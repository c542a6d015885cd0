/** What one server does to the others, and how often it is asked to. */
export const FAULTS = {
  /** The control: what calls cost that are answered well. */
  none: { tool: 'echo', callsPerSecond: 20 },
  hang: { tool: 'hang', callsPerSecond: 20 },
  garbage: { tool: 'garbage', callsPerSecond: 20 },
  large: { tool: 'large', callsPerSecond: 2 },
  /** Each call that comes when it may be started again ends it. */
  crash: { tool: 'crash', callsPerSecond: 20 },
  freeze: { tool: 'freeze', callsPerSecond: 20 },
  /** One call is enough. */
  flood: { tool: 'flood', callsPerSecond: 0 },
} as const;

export type Fault = keyof typeof FAULTS;
export const isFault = (name: string): name is Fault => Object.hasOwn(FAULTS, name);
