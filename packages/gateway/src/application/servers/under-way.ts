/** Work that goes on: promises that are kept, and children that have begun. */
import type { Child, Owner } from './child.ts';

/** Keeps work in the set for as long as it goes on. */
export function track<T>(running: Set<Promise<T>>, work: Promise<T>): Promise<T> {
  const over = (): void => void running.delete(work);
  running.add(work);
  work.then(over, over);
  return work;
}

/** Begins the work of a child for an owner. */
export function begun(child: Child, owner: Owner): Child {
  child.begin(owner);
  return child;
}
