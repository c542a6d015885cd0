export const OBSERVED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {};
