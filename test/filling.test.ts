import fc from 'fast-check';
import { expect, it } from 'vitest';
import { filling, hole, type Asked } from '../src/compiled/compilation.ts';
import { Prisma } from '../src/database/generated/client/client.ts';

const text = fc.string({ unit: fc.constantFrom('a', '\n', ' ') });
const part = fc.oneof(
  fc.constant(5n),
  fc.array(text, { minLength: 1, maxLength: 3 }).map(
    (strings) =>
      new Prisma.Sql(
        strings,
        strings.slice(1).map((_, n) => n),
      ),
  ),
);

it('gives each statement the text of what its holes are filled with', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part), { maxLength: 40 }), (fillings) => {
      let parts: readonly unknown[] = [];
      const statement = filling(
        Prisma.sql`SELECT ${hole(() => parts[0])} FROM ${hole(() => parts[1])}`,
      );
      for (parts of fillings) {
        const { strings, text, values } = statement({} as Asked);
        const whole = Prisma.sql`SELECT ${parts[0]} FROM ${parts[1]}`;
        expect({ strings, text, values }).toEqual({
          strings: whole.strings,
          text: whole.text,
          values: whole.values,
        });
      }
    }),
  );
});
