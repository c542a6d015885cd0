import { z } from 'zod';

/** Keys of an object, each with what makes its schema: a file is checked with the schemas of the keys that it has. */

type Makers = Readonly<Record<string, () => z.ZodType>>;
type ShapeOf<Keys extends Makers> = { [Key in keyof Keys]: ReturnType<Keys[Key]> };

/** All of them. */
export function shapeOf<Keys extends Makers>(keys: Keys): ShapeOf<Keys> {
  const made = Object.entries(keys).map(([key, make]) => [key, make()]);
  return Object.fromEntries(made) as ShapeOf<Keys>; // of the same keys
}

/** The object that has these keys and no other one; undefined where one of them is not known. */
export function partOf(keys: Makers, written: ReadonlySet<string>): z.ZodObject | undefined {
  const shape: Record<string, z.ZodType> = {};
  for (const key of written) {
    const make = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (make === undefined) return undefined;
    shape[key] = make();
  }
  return z.strictObject(shape);
}
