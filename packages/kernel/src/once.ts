/**
 * What is made when it is first asked for, and kept. A gateway starts while an AI client waits for it: schemas, and
 * whatever else costs time to make, are made by what first needs them and never as a module is loaded (ADR 11).
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The same for each of several things, and as long as the thing is there. */
export function onceFor<Key extends object, T>(make: (key: Key) => T): (key: Key) => T {
  const made = new WeakMap<Key, { readonly value: T }>();
  return (key) => {
    const known = made.get(key) ?? { value: make(key) };
    made.set(key, known);
    return known.value;
  };
}
