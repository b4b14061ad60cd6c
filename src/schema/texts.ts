import { comesFrom, type TextPart } from '../database/sources.ts';
import type { GatewayContext } from './context.ts';

type Row = Readonly<Record<string, unknown>>;

/** The options of a field whose text is put together of the columns of its row, which must be selected, and of others. */
export function joinedText(parts: readonly TextPart[]) {
  return {
    extensions: comesFrom({ from: 'parts', parts }),
    resolve: (row: object, _args: object, context: GatewayContext): string =>
      parts
        .map((part) => {
          if (typeof part === 'string') return part;
          if ('config' in part) return context[part.config];
          const holder = part.of === undefined ? row : (row as Row)[part.of];
          return String((holder as Row)[part.column]);
        })
        .join(''),
  };
}
