/**
 * Does the same with each of some things, at most `count` at one time, begun in their order.
 * @throws what the work throws first; what is under way then goes on, and nothing else is begun by who threw
 */
export async function atMost<Item>(
  count: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items].values();
  const lane = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: count }, lane));
}
